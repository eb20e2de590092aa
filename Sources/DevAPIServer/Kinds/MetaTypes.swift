/// Types that every group uses.
let metaTypes = """
    ObjectMeta
      name string
      generateName string
      namespace string
      selfLink string
      uid string
      resourceVersion string
      generation int64
      creationTimestamp time
      deletionTimestamp time
      deletionGracePeriodSeconds int64
      labels {string}
      annotations {string}
      ownerReferences [OwnerReference]:map(uid)
      finalizers [string]:set
      managedFields [ManagedFieldsEntry]
    OwnerReference atomic
      apiVersion! string
      kind! string
      name! string
      uid! string
      controller bool
      blockOwnerDeletion bool
    ManagedFieldsEntry
      manager string
      operation string
      apiVersion string
      time time
      fieldsType string
      fieldsV1 object
      subresource string
    LabelSelector atomic
      matchLabels {string}
      matchExpressions [LabelSelectorRequirement]
    LabelSelectorRequirement
      key! string
      operator! string(In|NotIn|Exists|DoesNotExist)
      values [string]
    Condition
      type! string
      status! string(True|False|Unknown)
      observedGeneration int64
      lastTransitionTime! time
      reason! string
      message! string
    ObjectReference atomic
      kind string
      namespace string
      name string
      uid string
      apiVersion string
      resourceVersion string
      fieldPath string
    LocalObjectReference atomic
      name string
    """
