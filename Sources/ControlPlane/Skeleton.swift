enum SkeletonControlPlane {}
