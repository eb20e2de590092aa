enum SkeletonDevAPIServer {}
