{{- define "name" -}}
{{ printf "%s-supernode-autoscaler" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "selector" -}}
app.kubernetes.io/name: supernode-autoscaler
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "labels" -}}
{{ include "selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
{{- define "secretName" -}}
{{ default (include "name" .) .Values.existingSecret }}
{{- end }}
