module trigger-consumer

go 1.19

require (
	github.com/linkedin/goavro/v2 v2.12.0
	github.com/twmb/franz-go v1.16.1
)

require (
	github.com/golang/snappy v0.0.1 // indirect
	github.com/klauspost/compress v1.17.4 // indirect
	github.com/pierrec/lz4/v4 v4.1.19 // indirect
	github.com/twmb/franz-go/pkg/kmsg v1.7.0 // indirect
)
