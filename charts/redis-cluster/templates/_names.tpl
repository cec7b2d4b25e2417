{{/* Names and labels. */}}

{{/* Prefix of all names. 43 characters leave room for suffixes and for the hashes that Kubernetes appends; what is cut is told by a hash. */}}
{{- define "redis-cluster.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) -}}
{{- if not (regexMatch "^[a-z]" $full) }}{{ fail (printf "names begin with %q: Services need a letter first; set fullnameOverride" $full) }}{{ end -}}
{{- if gt (len $full) 43 }}{{ $full = printf "%s-%s" ($full | trunc 36 | trimSuffix "-") (sha256sum $full | trunc 6) }}{{ end -}}
{{- $full -}}
{{- end }}

{{- define "redis-cluster.node" -}}{{ include "redis-cluster.fullname" . }}-node{{- end }}
{{- define "redis-cluster.nodes" -}}{{ include "redis-cluster.fullname" . }}-nodes{{- end }}
{{- define "redis-cluster.sentinel" -}}{{ include "redis-cluster.fullname" . }}-sentinel{{- end }}
{{- define "redis-cluster.sentinels" -}}{{ include "redis-cluster.fullname" . }}-sentinels{{- end }}
{{- define "redis-cluster.primary" -}}{{ include "redis-cluster.fullname" . }}-primary{{- end }}
{{- define "redis-cluster.replica" -}}{{ include "redis-cluster.fullname" . }}-replica{{- end }}
{{- define "redis-cluster.config" -}}{{ include "redis-cluster.fullname" . }}-config{{- end }}
{{- define "redis-cluster.client-label" -}}{{ include "redis-cluster.fullname" . }}-client{{- end }}

{{- define "redis-cluster.sentinel-service" -}}
{{- .Values.sentinel.service.name | default (include "redis-cluster.sentinel" .) -}}
{{- end }}

{{/* DNS suffix of a namespaced Service. */}}
{{- define "redis-cluster.domain" -}}
{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{- define "redis-cluster.node-account" -}}
{{- $own := .Values.serviceAccount -}}
{{- $own.name | default (ternary (include "redis-cluster.node" .) "default" $own.create) -}}
{{- end }}

{{- define "redis-cluster.sentinel-account" -}}
{{- $own := .Values.sentinel.serviceAccount -}}
{{- $own.name | default (ternary (include "redis-cluster.sentinel" .) "default" $own.create) -}}
{{- end }}

{{- define "redis-cluster.holdfast-image" -}}
{{- .Values.holdfast.image | default (printf "ghcr.io/holdfast-redis/holdfast:%s" .Chart.AppVersion) -}}
{{- end }}

{{/* What never changes in the life of a release: selectors are immutable. */}}
{{- define "redis-cluster.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of an object. */}}
{{- define "redis-cluster.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "redis-cluster.selector" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The metadata that all objects have. Takes root, name; labels, annotations, namespace where there are any. */}}
{{- define "redis-cluster.metadata" -}}
metadata:
  name: {{ .name }}
  namespace: {{ .namespace | default .root.Release.Namespace }}
  labels:
    {{- include "redis-cluster.labels" .root | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
