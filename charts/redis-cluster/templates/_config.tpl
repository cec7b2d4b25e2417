{{/* The files of agents and sentinels. */}}

{{/* Does the release listen on IPv6 too? */}}
{{- define "redis-cluster.any-address" -}}
{{- if or (has "IPv6" .Values.ipFamilies) (hasSuffix "DualStack" .Values.ipFamilyPolicy) }}[::]{{ else }}0.0.0.0{{ end -}}
{{- end }}

{{/* Same namespace and name, same identity: a new installation takes over the volumes of the last one. */}}
{{- define "redis-cluster.identity" -}}
{{- .Values.holdfast.cluster | default (printf "%s/%s" .Release.Namespace (include "redis-cluster.fullname" .) | sha256sum | trunc 32) -}}
{{- end }}

{{- define "redis-cluster.has-acl" -}}
{{- if or .Values.auth.acl.existingSecret .Values.auth.acl.users }}yes{{ end -}}
{{- end }}

{{- define "redis-cluster.hostnames" -}}
{{- if kindIs "bool" .Values.useHostnames }}{{ if .Values.useHostnames }}yes{{ end }}{{ else if .Values.tls.enabled }}yes{{ end -}}
{{- end }}

{{/* Do replies wait for replicas? That takes the agents' gate. */}}
{{- define "redis-cluster.holds-replies" -}}
{{- if ne .Values.durability "async" }}yes{{ end -}}
{{- end }}

{{/* Does a pod keep what fsync promises, whether the group asks for that or not yet? */}}
{{- define "redis-cluster.syncs-to-disk" -}}
{{- if kindIs "bool" .Values.syncToDisk | ternary .Values.syncToDisk (eq .Values.durability "fsync") }}yes{{ end -}}
{{- end }}

{{- define "redis-cluster.has-gate" -}}
{{- $wanted := or (include "redis-cluster.holds-replies" .) (include "redis-cluster.syncs-to-disk" .) -}}
{{- if kindIs "bool" .Values.gate | ternary .Values.gate (empty $wanted | not) }}yes{{ end -}}
{{- end }}

{{/* In the pod's environment too, for `holdfast clients` there. */}}
{{- define "redis-cluster.agent-dir" -}}
/redis-master-data/.holdfast
{{- end }}

{{- define "redis-cluster.agent-config" -}}
{{- $any := include "redis-cluster.any-address" . -}}
group: {{ .Values.sentinel.masterSet }}
cluster: {{ include "redis-cluster.identity" . | quote }}
secret_file: /etc/holdfast-secret/secret
dir: {{ include "redis-cluster.agent-dir" . }}
data_dir: /redis-master-data
listen: {{ printf "%s:6379" $any | quote }}
http: {{ printf "%s:8080" $any | quote }}
redis_conf: /etc/holdfast/redis.conf
stop_seconds: {{ sub .Values.terminationGracePeriodSeconds 5 }}
{{- if ne (int .Values.holdfast.scriptLimitSeconds) 10 }}
script_limit_seconds: {{ int .Values.holdfast.scriptLimitSeconds }}
{{- end }}
{{- if include "redis-cluster.has-gate" . }}
durability: {{ include "redis-cluster.syncs-to-disk" . | empty | ternary "quorum" "fsync" }}
{{- end }}
{{- with .Values.holdfast.serverPath }}
server: {{ . }}
{{- end }}
{{- if .Values.holdfast.adopt }}
adopt: true
{{- end }}
{{- if .Values.auth.enabled }}
client_password_file: /etc/holdfast-auth/redis-password
{{- end }}
{{- if include "redis-cluster.has-acl" . }}
acl_file: /etc/holdfast-auth/users.acl
{{- end }}
{{- if .Values.tls.enabled }}
tls_cert_file: /etc/holdfast-tls/tls.crt
tls_key_file: /etc/holdfast-tls/tls.key
tls_ca_file: /etc/holdfast-tls/ca.crt
tls_client_auth: {{ .Values.tls.authClients }}
{{- end }}
sentinels:
{{- range $i := until (int (add 1 .Values.sentinelReplicaCount)) }}
  - {{ include "redis-cluster.sentinel" $ }}-{{ $i }}.{{ include "redis-cluster.sentinels" $ }}.{{ include "redis-cluster.domain" $ }}:26380
{{- end }}
{{- end }}

{{- define "redis-cluster.sentinel-config" -}}
{{- $any := include "redis-cluster.any-address" . -}}
cluster: {{ include "redis-cluster.identity" . | quote }}
secret_file: /etc/holdfast-secret/secret
dir: /sentinel-data
listen: {{ printf "%s:26379" $any | quote }}
control: {{ printf "%s:26380" $any | quote }}
http: {{ printf "%s:8080" $any | quote }}
{{- if and .Values.auth.enabled .Values.auth.sentinel }}
client_password_file: /etc/holdfast-auth/redis-password
{{- end }}
{{- if .Values.tls.enabled }}
tls_cert_file: /etc/holdfast-tls/tls.crt
tls_key_file: /etc/holdfast-tls/tls.key
{{- if .Values.tls.authClients }}
tls_client_ca_file: /etc/holdfast-tls/ca.crt
{{- end }}
{{- end }}
{{- $hostnames := not (empty (include "redis-cluster.hostnames" .)) }}
{{- if ne $hostnames .Values.tls.enabled }}
announce_hostnames: {{ $hostnames }}
{{- end }}
sentinels:
{{- range $i := until (int (add 1 .Values.sentinelReplicaCount)) }}
{{- $name := printf "%s-%d" (include "redis-cluster.sentinel" $) $i }}
{{- $host := printf "%s.%s.%s" $name (include "redis-cluster.sentinels" $) (include "redis-cluster.domain" $) }}
  - name: {{ $name }}
    control: {{ $host }}:26380
    clients: {{ $host }}:26379
{{- end }}
groups:
  - name: {{ .Values.sentinel.masterSet }}
    nodes: {{ add 1 .Values.slaveReplicaCount }}
    durability: {{ .Values.durability }}
    {{- if include "redis-cluster.holds-replies" . }}
    sync_replicas: {{ .Values.syncReplicas }}
    on_loss_of_quorum: {{ .Values.onLossOfQuorum }}
    {{- end }}
    cache: {{ kindIs "bool" .Values.cache | ternary .Values.cache (not .Values.persistence.enabled) }}
{{- end }}

{{/* Lines of redis.conf that a running server cannot take: a change of these, and only of these, restarts it. */}}
{{- define "redis-cluster.restart-lines" -}}
{{- $keys := "aof_rewrite_cpulist|always-show-logo|bgsave_cpulist|bio_cpulist|databases|disable-thp|enable-(debug|module)-command|enable-protected-configs|ignore-warnings|io-threads|io-threads-do-reads|loadmodule|rdbchecksum|rename-command|server_cpulist|set-proc-title|syslog-[a-z]+|tcp-backlog|user" -}}
{{- range splitList "\n" .Values.commonConfiguration }}
{{- if regexMatch (printf "(?i)^\\s*(%s)\\s" $keys) . }}{{ trim . }}
{{ end }}
{{- end }}
{{- end }}

{{/* Annotations that restart pods when what they were started with has changed. Numbers of nodes and sentinels, passwords, users and
certificates are read again by running pods. */}}
{{- define "redis-cluster.node-checksum" -}}
{{- $started := omit (include "redis-cluster.agent-config" . | fromYaml) "sentinels" -}}
holdfast.dev/started-with: {{ print (toJson $started) (include "redis-cluster.restart-lines" .) | sha256sum | trunc 16 | quote }}
{{- end }}

{{- define "redis-cluster.sentinel-checksum" -}}
{{- $started := omit (include "redis-cluster.sentinel-config" . | fromYaml) "sentinels" "groups" -}}
holdfast.dev/started-with: {{ toJson $started | sha256sum | trunc 16 | quote }}
{{- end }}
