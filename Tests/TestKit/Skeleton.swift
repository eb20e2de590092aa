enum SkeletonKit {}
