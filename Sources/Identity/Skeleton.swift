enum SkeletonIdentity {}
