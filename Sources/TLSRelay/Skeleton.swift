enum SkeletonTLSRelay {}
