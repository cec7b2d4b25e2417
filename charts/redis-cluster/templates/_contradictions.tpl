{{/* What no schema can say: values that are well formed and contradict each other. Nothing is created then. */}}
{{- define "redis-cluster.contradictions" -}}
{{- $auth := .Values.auth -}}
{{- $tls := .Values.tls -}}
{{- if and $auth.sentinel (not $auth.enabled) }}
{{- fail "auth.sentinel: needs auth.enabled" }}
{{- end }}
{{- if and $auth.password $auth.existingSecret }}
{{- fail "auth.password: set either this or auth.existingSecret" }}
{{- end }}
{{- if and $auth.acl.users $auth.acl.existingSecret }}
{{- fail "auth.acl.users: set either these or auth.acl.existingSecret" }}
{{- end }}
{{- range $auth.acl.users }}
{{- if eq .username "holdfast" }}
{{- fail "auth.acl.users: holdfast is the agents' own user; choose another name" }}
{{- end }}
{{- end }}
{{- if $tls.enabled }}
{{- if and $tls.existingSecret $tls.certManager.enabled }}
{{- fail "tls.existingSecret: set either this or tls.certManager.enabled" }}
{{- end }}
{{- if and (not $tls.existingSecret) (not $tls.certManager.enabled) }}
{{- fail "tls.enabled: needs a certificate; set tls.existingSecret or tls.certManager.enabled" }}
{{- end }}
{{- if and $tls.certManager.enabled (not $tls.certManager.issuerRef.name) }}
{{- fail "tls.certManager.issuerRef.name: name the issuer" }}
{{- end }}
{{- end }}
{{- if and .Values.persistence.enabled (kindIs "bool" .Values.sentinel.persistence.enabled) (not .Values.sentinel.persistence.enabled) }}
{{- fail "sentinel.persistence.enabled: sentinels that forget keep Redis pods with data waiting for a person; switch off both, or none" }}
{{- end }}
{{- include "redis-cluster.durability-contradictions" . }}
{{- $taken := list -}}
{{- range list "nodes" "sentinels" "primary" "replica" }}{{ $taken = append $taken (include (printf "redis-cluster.%s" .) $) }}{{ end -}}
{{- if has .Values.sentinel.service.name $taken }}
{{- fail (printf "sentinel.service.name: %s is another Service of this release" .Values.sentinel.service.name) }}
{{- end }}
{{- end }}

{{/* Of durability: what no group could keep, and steps that a running release cannot take at once. */}}
{{- define "redis-cluster.durability-contradictions" -}}
{{- $word := .Values.durability -}}
{{- $gate := include "redis-cluster.has-gate" . -}}
{{- $disk := include "redis-cluster.syncs-to-disk" . -}}
{{- if and (eq $word "fsync") (not $disk) }}
{{- fail "syncToDisk: durability fsync needs it" }}
{{- end }}
{{- if $disk }}
{{- if not $gate }}
{{- fail "gate: syncToDisk needs it" }}
{{- end }}
{{- if not .Values.persistence.enabled }}
{{- fail "persistence.enabled: syncToDisk, and with it durability fsync, needs volumes; take durability quorum for data in memory" }}
{{- end }}
{{- end }}
{{- if include "redis-cluster.holds-replies" . }}
{{- if not $gate }}
{{- fail (printf "gate: durability %s needs it" $word) }}
{{- end }}
{{- if gt (int .Values.syncReplicas) (int .Values.slaveReplicaCount) }}
{{- fail (printf "syncReplicas: %d replicas cannot acknowledge where slaveReplicaCount is %d; take fewer, or more replicas" (int .Values.syncReplicas) (int .Values.slaveReplicaCount)) }}
{{- end }}
{{- end }}
{{- $running := (lookup "v1" "ConfigMap" .Release.Namespace (include "redis-cluster.config" .)).data | default dict -}}
{{- if and .Release.IsUpgrade $running }}
{{- $agents := get $running "agent.yaml" | default "" | fromYaml -}}
{{- $group := first (get (get $running "sentinel.yaml" | default "" | fromYaml) "groups" | default (list dict)) -}}
{{- if and (include "redis-cluster.holds-replies" .) (not (get $agents "durability")) }}
{{- fail (printf "durability: the pods that run have no gate, and %s would end them; first upgrade with gate=true and wait for the rollout, then with durability=%s" $word $word) }}
{{- end }}
{{- if and (eq $word "fsync") (ne (get $agents "durability" | default "") "fsync") }}
{{- fail "durability: the pods that run do not sync to disk, and fsync would end them; first upgrade with syncToDisk=true and wait for the rollout, then with durability=fsync" }}
{{- end }}
{{- if and (not $disk) (eq (get $group "durability" | default "async") "fsync") }}
{{- fail "syncToDisk: replies still wait for disks; first upgrade with another durability and syncToDisk=true, and a minute later with syncToDisk=false" }}
{{- end }}
{{- if and (not $gate) (ne (get $group "durability" | default "async") "async") }}
{{- fail "gate: replies that run through it now still wait for replicas; first upgrade with durability=async and gate=true, and a minute later with gate=false" }}
{{- end }}
{{- end }}
{{- end }}
