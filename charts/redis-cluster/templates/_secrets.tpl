{{/* Names and contents of Secrets. */}}

{{- define "redis-cluster.cluster-secret" -}}
{{- .Values.holdfast.existingSecret | default (printf "%s-cluster" (include "redis-cluster.fullname" .)) -}}
{{- end }}

{{- define "redis-cluster.auth-secret" -}}
{{- .Values.auth.existingSecret | default (include "redis-cluster.fullname" .) -}}
{{- end }}

{{- define "redis-cluster.auth-key" -}}
{{- empty .Values.auth.existingSecret | ternary "redis-password" .Values.auth.existingSecretPasswordKey -}}
{{- end }}

{{- define "redis-cluster.acl-secret" -}}
{{- .Values.auth.acl.existingSecret | default (printf "%s-acl" (include "redis-cluster.fullname" .)) -}}
{{- end }}

{{- define "redis-cluster.acl-key" -}}
{{- empty .Values.auth.acl.existingSecret | ternary "users.acl" .Values.auth.acl.existingSecretKey -}}
{{- end }}

{{- define "redis-cluster.tls-secret" -}}
{{- .Values.tls.existingSecret | default (printf "%s-tls" (include "redis-cluster.fullname" .)) -}}
{{- end }}

{{/* What a Secret of the release holds already, in base64; else a new random word. Takes root, name, key, length. */}}
{{- define "redis-cluster.kept" -}}
{{- $old := lookup "v1" "Secret" .root.Release.Namespace .name | default dict -}}
{{- index ($old.data | default dict) .key | default (randAlphaNum .length | b64enc) -}}
{{- end }}

{{/* `user …` lines; passwords only as hashes. */}}
{{- define "redis-cluster.users" -}}
{{- range .Values.auth.acl.users }}
user {{ .username }} {{ hasKey . "enabled" | ternary .enabled true | ternary "on" "off" }} {{ hasKey . "password" | ternary (printf "#%s" (.password | toString | sha256sum)) "nopass" }} {{ .keys | default "~*" }} {{ .channels | default "&*" }} {{ .commands | default "+@all -@admin -@dangerous" }}
{{- end }}
{{- end }}
