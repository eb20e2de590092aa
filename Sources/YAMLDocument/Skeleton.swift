enum SkeletonYAMLDocument {}
