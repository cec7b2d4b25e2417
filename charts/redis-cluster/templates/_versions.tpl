{{/* What differs between versions of Kubernetes. By version, for `helm template --kube-version` knows nothing else. */}}

{{- define "redis-cluster.policy-api" -}}
{{- semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version | ternary "policy/v1" "policy/v1beta1" -}}
{{- end }}

{{/* On by default since 1.27. Before that claims are retained, so Delete would be a promise that is not kept. */}}
{{- define "redis-cluster.retention" -}}
{{- $policy := .Values.persistentVolumeClaimRetentionPolicy -}}
{{- if semverCompare ">=1.27-0" .Capabilities.KubeVersion.Version }}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: {{ $policy.whenDeleted }}
  whenScaled: {{ $policy.whenScaled }}
{{- else if has "Delete" (list $policy.whenDeleted $policy.whenScaled) }}
{{- fail "persistentVolumeClaimRetentionPolicy: Delete needs Kubernetes 1.27; delete the claims by hand" }}
{{- end }}
{{- end }}
