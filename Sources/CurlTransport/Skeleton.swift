enum SkeletonCurlTransport {}
