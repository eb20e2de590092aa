enum SkeletonPlanningTests {}
