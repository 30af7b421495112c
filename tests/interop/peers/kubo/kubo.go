// Package kubo pins the Kubo release that the interop tests run against.
package kubo

import _ "github.com/ipfs/kubo/cmd/ipfs"
