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
{{- $taken := list -}}
{{- range list "nodes" "sentinels" "primary" "replica" }}{{ $taken = append $taken (include (printf "redis-cluster.%s" .) $) }}{{ end -}}
{{- if has .Values.sentinel.service.name $taken }}
{{- fail (printf "sentinel.service.name: %s is another Service of this release" .Values.sentinel.service.name) }}
{{- end }}
{{- end }}
