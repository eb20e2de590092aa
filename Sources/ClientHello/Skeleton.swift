enum SkeletonClientHello {}
