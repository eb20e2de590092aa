/// The kinds of core/v1.
let coreTypes = """
    Namespace
      apiVersion string
      kind string
      metadata ObjectMeta
      spec NamespaceSpec
      status NamespaceStatus
    NamespaceSpec
      finalizers [string]
    NamespaceStatus
      phase string
      conditions [NamespaceCondition]:map(type)
    NamespaceCondition
      type! string
      status! string
      lastTransitionTime time
      reason string
      message string
    Pod
      apiVersion string
      kind string
      metadata ObjectMeta
      spec PodSpec
      status PodStatus
    PodStatus
      observedGeneration int64
      phase string
      conditions [PodCondition]:map(type)
      message string
      reason string
      nominatedNodeName string
      hostIP string
      hostIPs [HostIP]
      podIP string
      podIPs [PodIP]:map(ip)
      startTime time
      initContainerStatuses [ContainerStatus]
      containerStatuses [ContainerStatus]
      ephemeralContainerStatuses [ContainerStatus]
      qosClass string
      resize string
    HostIP
      ip string
    PodIP
      ip! string
    PodCondition
      type! string
      status! string
      observedGeneration int64
      lastProbeTime time
      lastTransitionTime time
      reason string
      message string
    ContainerStatus
      name! string
      state ContainerState
      lastState ContainerState
      ready bool
      restartCount int32
      image string
      imageID string
      containerID string
      started bool
      allocatedResources {quantity}
      resources ResourceRequirements
      volumeMounts [VolumeMount]:map(mountPath)
      user object
    ContainerState
      waiting ContainerStateWaiting
      running ContainerStateRunning
      terminated ContainerStateTerminated
    ContainerStateWaiting
      reason string
      message string
    ContainerStateRunning
      startedAt time
    ContainerStateTerminated
      exitCode! int32
      signal int32
      reason string
      message string
      startedAt time
      finishedAt time
      containerID string
    Service
      apiVersion string
      kind string
      metadata ObjectMeta
      spec ServiceSpec
      status ServiceStatus
    ServiceSpec
      ports [ServicePort]:map(port,protocol)
      selector {string}:atomic
      clusterIP string
      clusterIPs [string]
      type string(ClusterIP|NodePort|LoadBalancer|ExternalName) ="ClusterIP"
      externalIPs [string]
      sessionAffinity string(ClientIP|None) ="None"
      loadBalancerIP string
      loadBalancerSourceRanges [string]
      externalName string
      externalTrafficPolicy string
      healthCheckNodePort int32
      publishNotReadyAddresses bool
      sessionAffinityConfig object
      ipFamilies [string]
      ipFamilyPolicy string
      allocateLoadBalancerNodePorts bool
      loadBalancerClass string
      internalTrafficPolicy string
      trafficDistribution string
    ServicePort
      name string
      protocol string(TCP|UDP|SCTP) ="TCP"
      appProtocol string
      port! int32
      targetPort intstr
      nodePort int32
    ServiceStatus
      loadBalancer LoadBalancerStatus ={}
      conditions [Condition]:map(type)
    LoadBalancerStatus
      ingress [LoadBalancerIngress]
    LoadBalancerIngress
      ip string
      hostname string
      ipMode string
      ports [object]
    ServiceAccount
      apiVersion string
      kind string
      metadata ObjectMeta
      secrets [ObjectReference]:map(name)
      imagePullSecrets [LocalObjectReference]
      automountServiceAccountToken bool
    Secret
      apiVersion string
      kind string
      metadata ObjectMeta
      immutable bool
      data {bytes}
      stringData {string}
      type string ="Opaque"
    ConfigMap
      apiVersion string
      kind string
      metadata ObjectMeta
      immutable bool
      data {string}
      binaryData {bytes}
    Node
      apiVersion string
      kind string
      metadata ObjectMeta
      spec NodeSpec
      status NodeStatus
    NodeSpec
      podCIDR string
      podCIDRs [string]:set
      providerID string
      unschedulable bool
      taints [Taint]
      externalID string
    Taint
      key! string
      value string
      effect! string
      timeAdded time
    NodeStatus
      capacity {quantity}
      allocatable {quantity}
      phase string
      conditions [NodeCondition]:map(type)
      addresses [NodeAddress]:map(type)
      daemonEndpoints NodeDaemonEndpoints
      nodeInfo NodeSystemInfo
      images [object]
      volumesInUse [string]
      volumesAttached [object]
      config object
      runtimeHandlers [object]
      features object
    NodeCondition
      type! string
      status! string
      lastHeartbeatTime time
      lastTransitionTime time
      reason string
      message string
    NodeAddress
      type! string
      address! string
    NodeDaemonEndpoints
      kubeletEndpoint DaemonEndpoint
    DaemonEndpoint
      Port! int32
    NodeSystemInfo
      machineID string
      systemUUID string
      bootID string
      kernelVersion string
      osImage string
      containerRuntimeVersion string
      kubeletVersion string
      kubeProxyVersion string
      operatingSystem string
      architecture string
      swap object
    CoreEvent
      apiVersion string
      kind string
      metadata ObjectMeta
      involvedObject ObjectReference
      reason string
      message string
      source EventSource
      firstTimestamp time
      lastTimestamp time
      count int32
      type string
      eventTime microtime
      series EventSeries
      action string
      related ObjectReference
      reportingComponent string
      reportingInstance string
    EventSource
      component string
      host string
    EventSeries
      count int32
      lastObservedTime microtime
    Endpoints
      apiVersion string
      kind string
      metadata ObjectMeta
      subsets [EndpointSubset]
    EndpointSubset
      addresses [EndpointAddress]
      notReadyAddresses [EndpointAddress]
      ports [EndpointPort]
    EndpointAddress atomic
      ip! string
      hostname string
      nodeName string
      targetRef ObjectReference
    EndpointPort atomic
      name string
      port int32
      protocol string
      appProtocol string
    """
