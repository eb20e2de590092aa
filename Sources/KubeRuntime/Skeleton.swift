enum SkeletonKubeRuntime {}
