enum SkeletonTelemetry {}
