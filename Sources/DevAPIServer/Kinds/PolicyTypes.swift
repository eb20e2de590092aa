/// Small groups: leases, endpoint slices, events, RBAC, policies, autoscaling, reviews and CRDs themselves.
let policyTypes = """
    EndpointSlice
      apiVersion string
      kind string
      metadata ObjectMeta
      addressType! string(IPv4|IPv6|FQDN)
      endpoints [Endpoint]
      ports [EndpointSlicePort]
    Endpoint
      addresses [string]
      conditions EndpointConditions
      hostname string
      targetRef ObjectReference
      deprecatedTopology {string}
      nodeName string
      zone string
      hints object
    EndpointConditions
      ready bool
      serving bool
      terminating bool
    EndpointSlicePort atomic
      name string =""
      protocol string ="TCP"
      port int32
      appProtocol string
    Lease
      apiVersion string
      kind string
      metadata ObjectMeta
      spec LeaseSpec
    LeaseSpec
      holderIdentity string
      leaseDurationSeconds int32
      acquireTime microtime
      renewTime microtime
      leaseTransitions int32
      strategy string
      preferredHolder string
    EventsEvent
      apiVersion string
      kind string
      metadata ObjectMeta
      eventTime microtime
      series EventSeries
      reportingController string
      reportingInstance string
      action string
      reason string
      regarding ObjectReference
      related ObjectReference
      note string
      type string
      deprecatedSource EventSource
      deprecatedFirstTimestamp time
      deprecatedLastTimestamp time
      deprecatedCount int32
    Role
      apiVersion string
      kind string
      metadata ObjectMeta
      rules [PolicyRule]
      aggregationRule object
    PolicyRule
      verbs! [string]
      apiGroups [string]
      resources [string]
      resourceNames [string]
      nonResourceURLs [string]
    RoleBinding
      apiVersion string
      kind string
      metadata ObjectMeta
      subjects [Subject]
      roleRef! RoleRef
    Subject atomic
      kind! string
      apiGroup string
      name! string
      namespace string
    RoleRef atomic
      apiGroup string
      kind! string
      name! string
    PodDisruptionBudget
      apiVersion string
      kind string
      metadata ObjectMeta
      spec PodDisruptionBudgetSpec
      status object
    PodDisruptionBudgetSpec
      minAvailable intstr
      selector LabelSelector
      maxUnavailable intstr
      unhealthyPodEvictionPolicy string
    HorizontalPodAutoscaler
      apiVersion string
      kind string
      metadata ObjectMeta
      spec HorizontalPodAutoscalerSpec
      status object
    HorizontalPodAutoscalerSpec
      scaleTargetRef! CrossVersionObjectReference
      minReplicas int32 =1
      maxReplicas! int32
      metrics [object]
      behavior object
    CrossVersionObjectReference
      kind! string
      name! string
      apiVersion string
    NetworkPolicy
      apiVersion string
      kind string
      metadata ObjectMeta
      spec NetworkPolicySpec
    NetworkPolicySpec
      podSelector LabelSelector
      ingress [object]
      egress [object]
      policyTypes [string]
    CustomResourceDefinition
      apiVersion string
      kind string
      metadata ObjectMeta
      spec! CustomResourceDefinitionSpec
      status CustomResourceDefinitionStatus
    CustomResourceDefinitionSpec
      group! string
      names! CustomResourceDefinitionNames
      scope! string(Cluster|Namespaced)
      versions! [CustomResourceDefinitionVersion]
      conversion CustomResourceConversion ={"strategy":"None"}
      preserveUnknownFields bool
    CustomResourceDefinitionNames
      plural! string
      singular string
      shortNames [string]
      kind! string
      listKind string
      categories [string]
    CustomResourceDefinitionVersion
      name! string
      served! bool
      storage! bool
      deprecated bool
      deprecationWarning string
      schema CustomResourceValidation
      subresources CustomResourceSubresources
      additionalPrinterColumns [CustomResourceColumnDefinition]
      selectableFields [object]
    CustomResourceValidation
      openAPIV3Schema object
    CustomResourceSubresources
      status object
      scale CustomResourceSubresourceScale
    CustomResourceSubresourceScale
      specReplicasPath! string
      statusReplicasPath! string
      labelSelectorPath string
    CustomResourceColumnDefinition
      name! string
      type! string
      format string
      description string
      priority int32
      jsonPath! string
    CustomResourceConversion
      strategy! string(None)
      webhook object
    CustomResourceDefinitionStatus
      conditions [CustomResourceDefinitionCondition]:map(type)
      acceptedNames CustomResourceDefinitionNames
      storedVersions [string]
      observedGeneration int64
    CustomResourceDefinitionCondition
      type! string
      status! string
      lastTransitionTime time
      reason string
      message string
      observedGeneration int64
    TokenRequest
      apiVersion string
      kind string
      metadata ObjectMeta
      spec! TokenRequestSpec
      status object
    TokenRequestSpec
      audiences [string]
      expirationSeconds int64 =3600
      boundObjectRef BoundObjectReference
    BoundObjectReference
      kind string
      apiVersion string
      name string
      uid string
    TokenReview
      apiVersion string
      kind string
      metadata ObjectMeta
      spec! TokenReviewSpec
      status object
    TokenReviewSpec
      token string
      audiences [string]
    SelfSubjectAccessReview
      apiVersion string
      kind string
      metadata ObjectMeta
      spec! object
      status object
    Scale
      apiVersion string
      kind string
      metadata ObjectMeta
      spec ScaleSpec
      status ScaleStatus
    ScaleSpec
      replicas int32 =0
    ScaleStatus
      replicas int32 =0
      selector string
    """

/// Request values that are no resources.
let optionTypes = """
    DeleteOptions
      apiVersion string
      kind string
      gracePeriodSeconds int64
      preconditions Preconditions
      orphanDependents bool
      propagationPolicy string
      dryRun [string]
    Preconditions
      uid string
      resourceVersion string
    """
