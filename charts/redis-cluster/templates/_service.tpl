{{/* Services. */}}

{{- define "redis-cluster.families" -}}
{{- with .Values.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A Service for clients. Takes root, name, component, service (the values), port (the name in `ports`), and
selector: labels of pods, none where the agents write the endpoints. */}}
{{- define "redis-cluster.client-service" -}}
{{- $service := .service -}}
apiVersion: v1
kind: Service
{{ include "redis-cluster.metadata" (dict "root" .root "name" .name "annotations" $service.annotations "labels" (merge (dict "app.kubernetes.io/component" .component) $service.labels)) }}
spec:
  type: {{ $service.type }}
  {{- with include "redis-cluster.families" .root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- range $key := list "clusterIP" "loadBalancerIP" "loadBalancerClass" "loadBalancerSourceRanges" "externalTrafficPolicy" }}
  {{- with index $service $key }}
  {{- dict $key . | toYaml | nindent 2 }}
  {{- end }}
  {{- end }}
  ports:
    - name: {{ .port }}
      port: {{ index $service.ports .port }}
      targetPort: {{ .port }}
      {{- with index $service.nodePorts .port }}
      nodePort: {{ . }}
      {{- end }}
  {{- with .selector }}
  selector:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* A headless Service: a stable DNS name for each pod, ready or not. Takes root, name, component, ports (name to number). */}}
{{- define "redis-cluster.headless-service" -}}
apiVersion: v1
kind: Service
{{ include "redis-cluster.metadata" (dict "root" .root "name" .name "labels" (dict "app.kubernetes.io/component" .component "holdfast.dev/scrape" "true")) }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  {{- with include "redis-cluster.families" .root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  ports:
    {{- range $name, $port := .ports }}
    - {name: {{ $name }}, port: {{ $port }}, targetPort: {{ $name }}}
    {{- end }}
  selector:
    {{- include "redis-cluster.pod-labels" . | nindent 4 }}
{{- end }}
