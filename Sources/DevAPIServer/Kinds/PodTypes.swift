/// A pod's spec and everything it needs.
let podTypes = """
    PodTemplateSpec
      metadata ObjectMeta
      spec PodSpec
    PodSpec
      volumes [Volume]:map(name) retain
      initContainers [Container]:map(name)
      containers! [Container]:map(name)
      ephemeralContainers [Container]:map(name)
      restartPolicy string(Always|OnFailure|Never) ="Always"
      terminationGracePeriodSeconds int64 =30
      activeDeadlineSeconds int64
      dnsPolicy string ="ClusterFirst"
      nodeSelector {string}:atomic
      serviceAccountName string
      serviceAccount string
      automountServiceAccountToken bool
      nodeName string
      hostNetwork bool
      hostPID bool
      hostIPC bool
      hostUsers bool
      shareProcessNamespace bool
      securityContext PodSecurityContext ={}
      imagePullSecrets [LocalObjectReference]:map(name)
      hostname string
      subdomain string
      affinity Affinity
      schedulerName string ="default-scheduler"
      tolerations [Toleration]
      hostAliases [HostAlias]:map(ip)
      priorityClassName string
      priority int32
      dnsConfig PodDNSConfig
      readinessGates [PodReadinessGate]
      runtimeClassName string
      enableServiceLinks bool
      preemptionPolicy string
      overhead {quantity}
      topologySpreadConstraints [TopologySpreadConstraint]:map(topologyKey,whenUnsatisfiable)
      setHostnameAsFQDN bool
      os object
      schedulingGates [PodSchedulingGate]:map(name)
      resourceClaims [PodResourceClaim]:map(name) retain
      resources ResourceRequirements
    PodReadinessGate
      conditionType! string
    PodSchedulingGate
      name! string
    PodResourceClaim
      name! string
      resourceClaimName string
      resourceClaimTemplateName string
    PodDNSConfig
      nameservers [string]
      searches [string]
      options [PodDNSConfigOption]
    PodDNSConfigOption
      name string
      value string
    HostAlias
      ip! string
      hostnames [string]
    Toleration
      key string
      operator string
      value string
      effect string
      tolerationSeconds int64
    TopologySpreadConstraint
      maxSkew! int32
      topologyKey! string
      whenUnsatisfiable! string
      labelSelector LabelSelector
      minDomains int32
      nodeAffinityPolicy string
      nodeTaintsPolicy string
      matchLabelKeys [string]
    PodSecurityContext
      seLinuxOptions object
      windowsOptions object
      runAsUser int64
      runAsGroup int64
      runAsNonRoot bool
      supplementalGroups [int64]
      supplementalGroupsPolicy string
      fsGroup int64
      fsGroupChangePolicy string
      sysctls [Sysctl]
      seccompProfile SeccompProfile
      appArmorProfile object
      seLinuxChangePolicy string
    Sysctl
      name! string
      value! string
    SeccompProfile
      type! string
      localhostProfile string
    SecurityContext
      capabilities Capabilities
      privileged bool
      seLinuxOptions object
      windowsOptions object
      runAsUser int64
      runAsGroup int64
      runAsNonRoot bool
      readOnlyRootFilesystem bool
      allowPrivilegeEscalation bool
      procMount string
      seccompProfile SeccompProfile
      appArmorProfile object
    Capabilities
      add [string]
      drop [string]
    Affinity
      nodeAffinity NodeAffinity
      podAffinity PodAffinity
      podAntiAffinity PodAffinity
    NodeAffinity
      requiredDuringSchedulingIgnoredDuringExecution NodeSelector
      preferredDuringSchedulingIgnoredDuringExecution [PreferredSchedulingTerm]
    NodeSelector atomic
      nodeSelectorTerms! [NodeSelectorTerm]
    NodeSelectorTerm
      matchExpressions [NodeSelectorRequirement]
      matchFields [NodeSelectorRequirement]
    NodeSelectorRequirement
      key! string
      operator! string
      values [string]
    PreferredSchedulingTerm
      weight! int32
      preference! NodeSelectorTerm
    PodAffinity
      requiredDuringSchedulingIgnoredDuringExecution [PodAffinityTerm]
      preferredDuringSchedulingIgnoredDuringExecution [WeightedPodAffinityTerm]
    PodAffinityTerm
      labelSelector LabelSelector
      namespaces [string]
      topologyKey! string
      namespaceSelector LabelSelector
      matchLabelKeys [string]
      mismatchLabelKeys [string]
    WeightedPodAffinityTerm
      weight! int32
      podAffinityTerm! PodAffinityTerm
    Container
      name! string
      image string
      command [string]
      args [string]
      workingDir string
      ports [ContainerPort]:map(containerPort,protocol)
      envFrom [EnvFromSource]
      env [EnvVar]:map(name)
      resources ResourceRequirements ={}
      resizePolicy [ContainerResizePolicy]
      restartPolicy string
      volumeMounts [VolumeMount]:map(mountPath)
      volumeDevices [VolumeDevice]:map(devicePath)
      livenessProbe Probe
      readinessProbe Probe
      startupProbe Probe
      lifecycle Lifecycle
      terminationMessagePath string ="/dev/termination-log"
      terminationMessagePolicy string ="File"
      imagePullPolicy string(Always|Never|IfNotPresent)
      securityContext SecurityContext
      stdin bool
      stdinOnce bool
      tty bool
      targetContainerName string
    ContainerResizePolicy
      resourceName! string
      restartPolicy! string
    ContainerPort
      name string
      hostPort int32
      containerPort! int32
      protocol string(TCP|UDP|SCTP) ="TCP"
      hostIP string
    EnvFromSource
      prefix string
      configMapRef OptionalReference
      secretRef OptionalReference
    OptionalReference
      name string
      optional bool
    EnvVar
      name! string
      value string
      valueFrom EnvVarSource
    EnvVarSource
      fieldRef ObjectFieldSelector
      resourceFieldRef ResourceFieldSelector
      configMapKeyRef KeySelector
      secretKeyRef KeySelector
      fileKeyRef object
    ObjectFieldSelector atomic
      apiVersion string ="v1"
      fieldPath! string
    ResourceFieldSelector atomic
      containerName string
      resource! string
      divisor quantity
    KeySelector atomic
      name string
      key! string
      optional bool
    ResourceRequirements
      limits {quantity}
      requests {quantity}
      claims [ResourceClaim]:map(name)
    ResourceClaim
      name! string
      request string
    VolumeMount
      name! string
      readOnly bool
      recursiveReadOnly string
      mountPath! string
      subPath string
      mountPropagation string
      subPathExpr string
    VolumeDevice
      name! string
      devicePath! string
    Probe
      exec ExecAction
      httpGet HTTPGetAction
      tcpSocket TCPSocketAction
      grpc GRPCAction
      initialDelaySeconds int32
      timeoutSeconds int32 =1
      periodSeconds int32 =10
      successThreshold int32 =1
      failureThreshold int32 =3
      terminationGracePeriodSeconds int64
    ExecAction
      command [string]
    HTTPGetAction
      path string ="/"
      port! intstr
      host string
      scheme string(HTTP|HTTPS) ="HTTP"
      httpHeaders [HTTPHeader]
    HTTPHeader
      name! string
      value! string
    TCPSocketAction
      port! intstr
      host string
    GRPCAction
      port! int32
      service string =""
    Lifecycle
      postStart LifecycleHandler
      preStop LifecycleHandler
      stopSignal string
    LifecycleHandler
      exec ExecAction
      httpGet HTTPGetAction
      tcpSocket TCPSocketAction
      sleep SleepAction
    SleepAction
      seconds! int64
    """

let volumeTypes = """
    Volume
      name! string
      emptyDir EmptyDirVolumeSource
      secret SecretVolumeSource
      configMap ConfigMapVolumeSource
      downwardAPI DownwardAPIVolumeSource
      projected ProjectedVolumeSource
      hostPath HostPathVolumeSource
      persistentVolumeClaim PersistentVolumeClaimVolumeSource
      csi object
      ephemeral object
      nfs object
      image object
      iscsi object
      gcePersistentDisk object
      awsElasticBlockStore object
      azureDisk object
      azureFile object
      cephfs object
      cinder object
      fc object
      flexVolume object
      flocker object
      gitRepo object
      glusterfs object
      photonPersistentDisk object
      portworxVolume object
      quobyte object
      rbd object
      scaleIO object
      storageos object
      vsphereVolume object
    EmptyDirVolumeSource
      medium string
      sizeLimit quantity
    SecretVolumeSource
      secretName string
      items [KeyToPath]
      defaultMode int32 =420
      optional bool
    ConfigMapVolumeSource
      name string
      items [KeyToPath]
      defaultMode int32 =420
      optional bool
    KeyToPath
      key! string
      path! string
      mode int32
    DownwardAPIVolumeSource
      items [DownwardAPIVolumeFile]
      defaultMode int32 =420
    DownwardAPIVolumeFile
      path! string
      fieldRef ObjectFieldSelector
      resourceFieldRef ResourceFieldSelector
      mode int32
    ProjectedVolumeSource
      sources [VolumeProjection]
      defaultMode int32 =420
    VolumeProjection
      secret SecretProjection
      configMap SecretProjection
      downwardAPI DownwardAPIProjection
      serviceAccountToken ServiceAccountTokenProjection
      clusterTrustBundle object
      podCertificate object
    SecretProjection
      name string
      items [KeyToPath]
      optional bool
    DownwardAPIProjection
      items [DownwardAPIVolumeFile]
    ServiceAccountTokenProjection
      audience string
      expirationSeconds int64 =3600
      path! string
    HostPathVolumeSource
      path! string
      type string =""
    PersistentVolumeClaimVolumeSource
      claimName! string
      readOnly bool
    """
