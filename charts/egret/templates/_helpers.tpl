{{/* Labels that never change: the selector of the control plane's Deployment. */}}
{{- define "egret.selectorLabels" -}}
app.kubernetes.io/name: egret
app.kubernetes.io/component: control-plane
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "egret.commonLabels" -}}
app.kubernetes.io/name: egret
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: egret
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "egret.labels" -}}
{{ include "egret.commonLabels" . }}
app.kubernetes.io/component: control-plane
{{- end }}

{{- define "egret.image" -}}
{{ printf "%s:%s" .image.repository (default .context.Chart.AppVersion .image.tag) }}
{{- end }}

{{/*
Cluster-scoped names carry the namespace, so that two releases never share a role. The Deployment, Service and settings
have fixed names: proxies and operators find them by name, and a namespace holds one control plane.
*/}}
{{- define "egret.clusterName" -}}
egret-control-plane:{{ .Release.Namespace }}
{{- end }}
