enum SkeletonMeshModel {}
