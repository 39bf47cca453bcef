// Command etcd is the etcd server. Its own main package lies in a module that isn't made to be required.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
