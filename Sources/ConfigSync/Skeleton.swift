enum SkeletonConfigSync {}
