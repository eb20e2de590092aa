enum SkeletonDataPlane {}
