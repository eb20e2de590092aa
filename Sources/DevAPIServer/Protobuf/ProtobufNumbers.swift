/// The numbers under which protobuf carries the built-in types' fields, as published in Kubernetes' `generated.proto` files:
/// client-go sends built-in kinds that way. `~Type` stands for a Go struct embedded in the outer one. Fields that are not
/// here are skipped. Types themselves stand in the type tables.
let protobufNumbers = """
    ObjectMeta 1 name 2 generateName 3 namespace 4 selfLink 5 uid 6 resourceVersion 7 generation 8 creationTimestamp \
        9 deletionTimestamp 10 deletionGracePeriodSeconds 11 labels 12 annotations 13 ownerReferences 14 finalizers 17 managedFields
    OwnerReference 5 apiVersion 1 kind 3 name 4 uid 6 controller 7 blockOwnerDeletion
    ManagedFieldsEntry 1 manager 2 operation 3 apiVersion 4 time 6 fieldsType 7 fieldsV1 8 subresource
    LabelSelector 1 matchLabels 2 matchExpressions
    LabelSelectorRequirement 1 key 2 operator 3 values
    Condition 1 type 2 status 3 observedGeneration 4 lastTransitionTime 5 reason 6 message
    ObjectReference 1 kind 2 namespace 3 name 4 uid 5 apiVersion 6 resourceVersion 7 fieldPath
    LocalObjectReference 1 name
    Namespace 1 metadata 2 spec 3 status
    NamespaceSpec 1 finalizers
    NamespaceStatus 1 phase 2 conditions
    NamespaceCondition 1 type 2 status 4 lastTransitionTime 5 reason 6 message
    ConfigMap 1 metadata 4 immutable 2 data 3 binaryData
    Secret 1 metadata 5 immutable 2 data 4 stringData 3 type
    ServiceAccount 1 metadata 2 secrets 3 imagePullSecrets 4 automountServiceAccountToken
    Service 1 metadata 2 spec 3 status
    ServiceSpec 1 ports 2 selector 3 clusterIP 18 clusterIPs 4 type 5 externalIPs 7 sessionAffinity 8 loadBalancerIP \
        9 loadBalancerSourceRanges 10 externalName 11 externalTrafficPolicy 12 healthCheckNodePort 13 publishNotReadyAddresses \
        14 sessionAffinityConfig 19 ipFamilies 17 ipFamilyPolicy 20 allocateLoadBalancerNodePorts 21 loadBalancerClass \
        22 internalTrafficPolicy 23 trafficDistribution
    ServicePort 1 name 2 protocol 6 appProtocol 3 port 4 targetPort 5 nodePort
    ServiceStatus 1 loadBalancer 2 conditions
    LoadBalancerStatus 1 ingress
    LoadBalancerIngress 1 ip 2 hostname 3 ipMode 4 ports
    Endpoints 1 metadata 2 subsets
    EndpointSubset 1 addresses 2 notReadyAddresses 3 ports
    EndpointAddress 1 ip 3 hostname 4 nodeName 2 targetRef
    EndpointPort 1 name 2 port 3 protocol 4 appProtocol
    CoreEvent 1 metadata 2 involvedObject 3 reason 4 message 5 source 6 firstTimestamp 7 lastTimestamp 8 count 9 type 10 eventTime \
        11 series 12 action 13 related 14 reportingComponent 15 reportingInstance
    EventSource 1 component 2 host
    EventSeries 1 count 2 lastObservedTime
    Pod 1 metadata 2 spec 3 status
    PodTemplateSpec 1 metadata 2 spec
    PodSpec 1 volumes 20 initContainers 2 containers 34 ephemeralContainers 3 restartPolicy 4 terminationGracePeriodSeconds \
        5 activeDeadlineSeconds 6 dnsPolicy 7 nodeSelector 8 serviceAccountName 9 serviceAccount 21 automountServiceAccountToken \
        10 nodeName 11 hostNetwork 12 hostPID 13 hostIPC 37 hostUsers 27 shareProcessNamespace 14 securityContext 15 imagePullSecrets \
        16 hostname 17 subdomain 18 affinity 19 schedulerName 22 tolerations 23 hostAliases 24 priorityClassName 25 priority \
        26 dnsConfig 28 readinessGates 29 runtimeClassName 30 enableServiceLinks 31 preemptionPolicy 32 overhead \
        33 topologySpreadConstraints 35 setHostnameAsFQDN 36 os 38 schedulingGates 39 resourceClaims 40 resources
    PodSecurityContext 1 seLinuxOptions 8 windowsOptions 2 runAsUser 6 runAsGroup 3 runAsNonRoot 4 supplementalGroups \
        12 supplementalGroupsPolicy 5 fsGroup 9 fsGroupChangePolicy 7 sysctls 10 seccompProfile 11 appArmorProfile \
        13 seLinuxChangePolicy
    SecurityContext 1 capabilities 2 privileged 3 seLinuxOptions 10 windowsOptions 4 runAsUser 8 runAsGroup 5 runAsNonRoot \
        6 readOnlyRootFilesystem 7 allowPrivilegeEscalation 9 procMount 11 seccompProfile 12 appArmorProfile
    Capabilities 1 add 2 drop
    SeccompProfile 1 type 2 localhostProfile
    Sysctl 1 name 2 value
    Toleration 1 key 2 operator 3 value 4 effect 5 tolerationSeconds
    TopologySpreadConstraint 1 maxSkew 2 topologyKey 3 whenUnsatisfiable 4 labelSelector 5 minDomains 6 nodeAffinityPolicy \
        7 nodeTaintsPolicy 8 matchLabelKeys
    HostAlias 1 ip 2 hostnames
    Affinity 1 nodeAffinity 2 podAffinity 3 podAntiAffinity
    NodeAffinity 1 requiredDuringSchedulingIgnoredDuringExecution 2 preferredDuringSchedulingIgnoredDuringExecution
    NodeSelector 1 nodeSelectorTerms
    NodeSelectorTerm 1 matchExpressions 2 matchFields
    NodeSelectorRequirement 1 key 2 operator 3 values
    PreferredSchedulingTerm 1 weight 2 preference
    PodAffinity 1 requiredDuringSchedulingIgnoredDuringExecution 2 preferredDuringSchedulingIgnoredDuringExecution
    PodAffinityTerm 1 labelSelector 2 namespaces 3 topologyKey 4 namespaceSelector 5 matchLabelKeys 6 mismatchLabelKeys
    WeightedPodAffinityTerm 1 weight 2 podAffinityTerm
    PodDNSConfig 1 nameservers 2 searches 3 options
    PodDNSConfigOption 1 name 2 value
    PodReadinessGate 1 conditionType
    PodSchedulingGate 1 name
    Container 1 name 2 image 3 command 4 args 5 workingDir 6 ports 19 envFrom 7 env 8 resources 23 resizePolicy 24 restartPolicy \
        9 volumeMounts 21 volumeDevices 10 livenessProbe 11 readinessProbe 22 startupProbe 12 lifecycle 13 terminationMessagePath \
        20 terminationMessagePolicy 14 imagePullPolicy 15 securityContext 16 stdin 17 stdinOnce 18 tty
    ContainerPort 1 name 2 hostPort 3 containerPort 4 protocol 5 hostIP
    EnvFromSource 1 prefix 2 configMapRef 3 secretRef
    OptionalReference 1 ~LocalObjectReference 2 optional
    EnvVar 1 name 2 value 3 valueFrom
    EnvVarSource 1 fieldRef 2 resourceFieldRef 3 configMapKeyRef 4 secretKeyRef 5 fileKeyRef
    ObjectFieldSelector 1 apiVersion 2 fieldPath
    ResourceFieldSelector 1 containerName 2 resource 3 divisor
    KeySelector 1 ~LocalObjectReference 2 key 3 optional
    ResourceRequirements 1 limits 2 requests 3 claims
    ResourceClaim 1 name 2 request
    VolumeMount 1 name 2 readOnly 7 recursiveReadOnly 3 mountPath 4 subPath 5 mountPropagation 6 subPathExpr
    VolumeDevice 1 name 2 devicePath
    Probe 1 ~ProbeHandler 2 initialDelaySeconds 3 timeoutSeconds 4 periodSeconds 5 successThreshold 6 failureThreshold \
        7 terminationGracePeriodSeconds
    ExecAction 1 command
    HTTPGetAction 1 path 2 port 3 host 4 scheme 5 httpHeaders
    HTTPHeader 1 name 2 value
    TCPSocketAction 1 port 2 host
    GRPCAction 1 port 2 service
    Lifecycle 1 postStart 2 preStop 3 stopSignal
    LifecycleHandler 1 exec 2 httpGet 3 tcpSocket 4 sleep
    SleepAction 1 seconds
    Volume 1 name 2 ~VolumeSource
    EmptyDirVolumeSource 1 medium 2 sizeLimit
    SecretVolumeSource 1 secretName 2 items 3 defaultMode 4 optional
    ConfigMapVolumeSource 1 ~LocalObjectReference 2 items 3 defaultMode 4 optional
    KeyToPath 1 key 2 path 3 mode
    DownwardAPIVolumeSource 1 items 2 defaultMode
    DownwardAPIVolumeFile 1 path 2 fieldRef 3 resourceFieldRef 4 mode
    ProjectedVolumeSource 1 sources 2 defaultMode
    VolumeProjection 1 secret 3 configMap 2 downwardAPI 4 serviceAccountToken 5 clusterTrustBundle 6 podCertificate
    SecretProjection 1 ~LocalObjectReference 2 items 4 optional
    DownwardAPIProjection 1 items
    ServiceAccountTokenProjection 1 audience 2 expirationSeconds 3 path
    HostPathVolumeSource 1 path 2 type
    PersistentVolumeClaimVolumeSource 1 claimName 2 readOnly
    Deployment 1 metadata 2 spec 3 status
    DeploymentSpec 1 replicas 2 selector 3 template 4 strategy 5 minReadySeconds 6 revisionHistoryLimit 7 paused \
        9 progressDeadlineSeconds
    DeploymentStrategy 1 type 2 rollingUpdate
    RollingUpdateDeployment 1 maxUnavailable 2 maxSurge
    DeploymentStatus 1 observedGeneration 2 replicas 3 updatedReplicas 7 readyReplicas 4 availableReplicas 5 unavailableReplicas \
        9 terminatingReplicas 6 conditions 8 collisionCount
    DeploymentCondition 1 type 2 status 6 lastUpdateTime 7 lastTransitionTime 4 reason 5 message
    ReplicaSet 1 metadata 2 spec 3 status
    ReplicaSetSpec 1 replicas 4 minReadySeconds 2 selector 3 template
    ReplicaSetStatus 1 replicas 2 fullyLabeledReplicas 4 readyReplicas 5 availableReplicas 7 terminatingReplicas 3 observedGeneration \
        6 conditions
    ReplicaSetCondition 1 type 2 status 3 lastTransitionTime 4 reason 5 message
    Job 1 metadata 2 spec 3 status
    JobSpec 1 parallelism 2 completions 3 activeDeadlineSeconds 11 podFailurePolicy 16 successPolicy 7 backoffLimit \
        12 backoffLimitPerIndex 13 maxFailedIndexes 4 selector 5 manualSelector 6 template 8 ttlSecondsAfterFinished 9 completionMode \
        10 suspend 14 podReplacementPolicy 15 managedBy
    Role 1 metadata 2 rules
    PolicyRule 1 verbs 2 apiGroups 3 resources 4 resourceNames 5 nonResourceURLs
    RoleBinding 1 metadata 2 subjects 3 roleRef
    Subject 1 kind 2 apiGroup 3 name 4 namespace
    RoleRef 1 apiGroup 2 kind 3 name
    PodDisruptionBudget 1 metadata 2 spec 3 status
    PodDisruptionBudgetSpec 1 minAvailable 2 selector 3 maxUnavailable 4 unhealthyPodEvictionPolicy
    NetworkPolicy 1 metadata 2 spec
    NetworkPolicySpec 1 podSelector 2 ingress 3 egress 4 policyTypes
    Lease 1 metadata 2 spec
    LeaseSpec 1 holderIdentity 2 leaseDurationSeconds 3 acquireTime 4 renewTime 5 leaseTransitions 6 strategy 7 preferredHolder
    EndpointSlice 1 metadata 4 addressType 2 endpoints 3 ports
    Endpoint 1 addresses 2 conditions 3 hostname 4 targetRef 5 deprecatedTopology 6 nodeName 7 zone 8 hints
    EndpointConditions 1 ready 2 serving 3 terminating
    TokenRequest 1 metadata 2 spec 3 status
    TokenRequestSpec 1 audiences 4 expirationSeconds 3 boundObjectRef
    BoundObjectReference 1 kind 2 apiVersion 3 name 4 uid
    TokenReview 1 metadata 2 spec 3 status
    TokenReviewSpec 1 token 2 audiences
    SelfSubjectAccessReview 1 metadata 2 spec 3 status
    Scale 1 metadata 2 spec 3 status
    ScaleSpec 1 replicas
    ScaleStatus 1 replicas 2 selector
    EndpointSlicePort 1 name 2 protocol 3 port 4 appProtocol
    VolumeSource 1 hostPath 2 emptyDir 6 secret 7 nfs 10 persistentVolumeClaim 16 downwardAPI 19 configMap 26 projected 28 csi \
        29 ephemeral
    ProbeHandler 1 exec 2 httpGet 3 tcpSocket 4 grpc
    DeleteOptions 1 gracePeriodSeconds 2 preconditions 3 orphanDependents 4 propagationPolicy 5 dryRun
    Preconditions 1 uid 2 resourceVersion
    """
