enum SkeletonKubeAPI {}
