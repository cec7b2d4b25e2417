{{/* What both kinds of pods share. Each takes root, component (node or sentinel) and values: .Values, or those of sentinels over it. */}}

{{/* Where sentinels have no word of their own, the Redis pods' counts. */}}
{{- define "redis-cluster.sentinel-values" -}}
{{- $inherited := dict -}}
{{- range list "nodeSelector" "tolerations" "priorityClassName" "schedulerName" "runtimeClassName" -}}
{{- $_ := set $inherited . (index $.Values.sentinel . | default (index $.Values .)) -}}
{{- end -}}
{{- merge $inherited .Values.sentinel | toYaml -}}
{{- end }}

{{- define "redis-cluster.pod-metadata" -}}
labels:
  {{- include "redis-cluster.selector" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- with merge (dict) .values.podLabels .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  {{- include (printf "redis-cluster.%s-checksum" .component) .root | nindent 2 }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "redis-cluster.pod-spec" -}}
serviceAccountName: {{ include (printf "redis-cluster.%s-account" .component) .root }}
automountServiceAccountToken: true
terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
# Variables of other Services must not look like settings.
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- include "redis-cluster.pull-secrets" .root }}
{{- range $key := list "priorityClassName" "schedulerName" "runtimeClassName" "nodeSelector" "tolerations" }}
{{- with index $.values $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
{{- with include "redis-cluster.affinity" . | trim }}
affinity:
  {{- . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $own := dict "labelSelector" (dict "matchLabels" (include "redis-cluster.pod-labels" $ | fromYaml)) }}
  - {{- merge (deepCopy .) (hasKey . "labelSelector" | ternary dict $own) | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.pod-labels" -}}
{{ include "redis-cluster.selector" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "redis-cluster.pull-secrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name") }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Apart from pods of the same kind: other nodes first, other zones too where there are any. */}}
{{- define "redis-cluster.affinity" -}}
{{- if .values.affinity }}
{{- toYaml .values.affinity }}
{{- else if eq .root.Values.podAntiAffinityPreset "hard" }}
podAntiAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "redis-cluster.pod-labels" . | nindent 10 }}
{{- else if eq .root.Values.podAntiAffinityPreset "soft" }}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
  {{- range $key, $weight := dict "kubernetes.io/hostname" 100 "topology.kubernetes.io/zone" 50 }}
    - weight: {{ $weight }}
      podAffinityTerm:
        topologyKey: {{ $key }}
        labelSelector:
          matchLabels:
            {{- include "redis-cluster.pod-labels" $ | nindent 12 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The static binary is copied in, so that any image of Redis will do. */}}
{{- define "redis-cluster.install" -}}
- name: holdfast
  image: {{ include "redis-cluster.holdfast-image" .root }}
  imagePullPolicy: {{ .root.Values.imagePullPolicy }}
  args: [install, /holdfast/bin]
  securityContext:
    {{- toYaml .root.Values.containerSecurityContext | nindent 4 }}
  resources:
    {{- toYaml .root.Values.holdfast.resources | nindent 4 }}
  volumeMounts:
    - {name: holdfast, mountPath: /holdfast/bin}
{{- end }}

{{/* The part of the main container that does not differ. */}}
{{- define "redis-cluster.container" -}}
image: {{ .root.Values.image }}
imagePullPolicy: {{ .root.Values.imagePullPolicy }}
securityContext:
  {{- toYaml .root.Values.containerSecurityContext | nindent 2 }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- range $probe, $path := dict "livenessProbe" "/livez" "readinessProbe" "/readyz" }}
{{- with index $.root.Values $probe }}
{{- if .enabled }}
{{ $probe }}:
  httpGet: {path: {{ $path }}, port: http}
  {{- omit . "enabled" | toYaml | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.env" -}}
- {name: HOLDFAST_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
- {name: POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
- {name: HOLDFAST_CONFIG, value: {{ eq .component "node" | ternary "/etc/holdfast/agent.yaml" "/etc/holdfast/sentinel.yaml" }}}
- {name: HOLDFAST_KUBERNETES, value: "true"}
- {name: HOLDFAST_LOG, value: {{ .root.Values.holdfast.logLevel }}}
- {name: HOLDFAST_LOG_FORMAT, value: {{ .root.Values.holdfast.logFormat }}}
{{- end }}

{{/* Whole directories, never subPath: the kubelet renews their files while the pod runs. */}}
{{- define "redis-cluster.mounts" -}}
- {name: holdfast, mountPath: /holdfast/bin, readOnly: true}
- {name: config, mountPath: /etc/holdfast, readOnly: true}
- {name: secret, mountPath: /etc/holdfast-secret, readOnly: true}
{{- if include "redis-cluster.auth-volume" . }}
- {name: auth, mountPath: /etc/holdfast-auth, readOnly: true}
{{- end }}
{{- if .root.Values.tls.enabled }}
- {name: tls, mountPath: /etc/holdfast-tls, readOnly: true}
{{- end }}
{{- with .values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "redis-cluster.volumes" -}}
- name: holdfast
  emptyDir: {}
- name: config
  configMap:
    name: {{ include "redis-cluster.config" .root }}
    items:
    {{- range eq .component "node" | ternary (list "agent.yaml" "redis.conf") (list "sentinel.yaml") }}
      - {key: {{ . }}, path: {{ . }}}
    {{- end }}
- name: secret
  secret:
    secretName: {{ include "redis-cluster.cluster-secret" .root }}
    defaultMode: 0440
    items:
      - {key: secret, path: secret}
{{- with include "redis-cluster.auth-volume" . | trim }}
- name: auth
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- if .root.Values.tls.enabled }}
{{ include "redis-cluster.tls-volume" .root }}
{{- end }}
{{- with .values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "redis-cluster.tls-volume" -}}
{{- $tls := .Values.tls -}}
- name: tls
  secret:
    secretName: {{ include "redis-cluster.tls-secret" . }}
    defaultMode: 0440
    items:
      - {key: {{ $tls.certFilename }}, path: tls.crt}
      - {key: {{ $tls.certKeyFilename }}, path: tls.key}
      - {key: {{ $tls.certCAFilename }}, path: ca.crt}
{{- end }}

{{/* Sentinels get no more of it than they use. */}}
{{- define "redis-cluster.auth-volume" -}}
{{- $auth := .root.Values.auth -}}
{{- if and $auth.enabled (or $auth.sentinel (eq .component "node")) }}
- secret:
    name: {{ include "redis-cluster.auth-secret" .root }}
    items:
      - {key: {{ include "redis-cluster.auth-key" .root }}, path: redis-password}
{{- end }}
{{- if and (include "redis-cluster.has-acl" .root) (eq .component "node") }}
- secret:
    name: {{ include "redis-cluster.acl-secret" .root }}
    items:
      - {key: {{ include "redis-cluster.acl-key" .root }}, path: users.acl}
{{- end }}
{{- end }}

{{/* A claim per pod, or an emptyDir. Takes root, name, storage (enabled, size, …). Labels of the chart's version would make it immutable. */}}
{{- define "redis-cluster.claim" -}}
volumeClaimTemplates:
  - metadata:
      name: {{ .name }}
      labels:
        {{- include "redis-cluster.pod-labels" . | nindent 8 }}
        {{- with .storage.labels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .storage.annotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      accessModes: [{{ .storage.accessMode }}]
      {{- if eq .storage.storageClass "-" }}
      storageClassName: ""
      {{- else if ne .storage.storageClass "default" }}
      storageClassName: {{ .storage.storageClass }}
      {{- end }}
      resources:
        requests:
          storage: {{ .storage.size }}
      {{- with .storage.selector }}
      selector:
        matchLabels:
          {{- toYaml . | nindent 10 }}
      {{- end }}
{{- end }}
