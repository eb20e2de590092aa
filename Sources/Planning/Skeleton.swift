enum SkeletonPlanning {}
