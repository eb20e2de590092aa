enum SkeletonCLI {}
