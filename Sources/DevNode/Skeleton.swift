enum SkeletonDevNode {}
