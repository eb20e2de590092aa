enum SkeletonRelay {}
