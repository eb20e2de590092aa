/// apps/v1 and batch/v1.
let appsTypes = """
    Deployment
      apiVersion string
      kind string
      metadata ObjectMeta
      spec! DeploymentSpec
      status DeploymentStatus ={}
    DeploymentSpec
      replicas int32 =1
      selector! LabelSelector
      template! PodTemplateSpec
      strategy DeploymentStrategy retain ={}
      minReadySeconds int32
      revisionHistoryLimit int32 =10
      paused bool
      progressDeadlineSeconds int32 =600
    DeploymentStrategy
      type string(Recreate|RollingUpdate) ="RollingUpdate"
      rollingUpdate RollingUpdateDeployment
    RollingUpdateDeployment
      maxUnavailable intstr ="25%"
      maxSurge intstr ="25%"
    DeploymentStatus
      observedGeneration int64
      replicas int32
      updatedReplicas int32
      readyReplicas int32
      availableReplicas int32
      unavailableReplicas int32
      terminatingReplicas int32
      conditions [DeploymentCondition]:map(type)
      collisionCount int32
    DeploymentCondition
      type! string
      status! string
      lastUpdateTime time
      lastTransitionTime time
      reason string
      message string
    ReplicaSet
      apiVersion string
      kind string
      metadata ObjectMeta
      spec ReplicaSetSpec
      status ReplicaSetStatus ={}
    ReplicaSetSpec
      replicas int32 =1
      minReadySeconds int32
      selector! LabelSelector
      template PodTemplateSpec
    ReplicaSetStatus
      replicas int32 =0
      fullyLabeledReplicas int32
      readyReplicas int32
      availableReplicas int32
      terminatingReplicas int32
      observedGeneration int64
      conditions [ReplicaSetCondition]:map(type)
    ReplicaSetCondition
      type! string
      status! string
      lastTransitionTime time
      reason string
      message string
    Job
      apiVersion string
      kind string
      metadata ObjectMeta
      spec JobSpec
      status object
    JobSpec
      parallelism int32 =1
      completions int32
      activeDeadlineSeconds int64
      podFailurePolicy object
      successPolicy object
      backoffLimit int32 =6
      backoffLimitPerIndex int32
      maxFailedIndexes int32
      selector LabelSelector
      manualSelector bool
      template! PodTemplateSpec
      ttlSecondsAfterFinished int32
      completionMode string ="NonIndexed"
      suspend bool =false
      podReplacementPolicy string
      managedBy string
    """
