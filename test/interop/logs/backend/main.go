// Starts Trillian's log server over its storage in memory, makes a tree in it, and prints "ADDRESS TREE-ID". The CT
// front end (ct_server) connects to it, and can be started again while this goes on.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/extension"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/testonly/integration"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	ctx := context.Background()
	trees := memory.NewTreeStorage()
	integration.SequencerInterval /= 5
	env, err := integration.NewLogEnvWithRegistry(ctx, 1, extension.Registry{
		AdminStorage: memory.NewAdminStorage(trees),
		LogStorage:   memory.NewLogStorage(trees, nil),
		QuotaManager: quota.Noop(),
	})
	if err != nil {
		log.Fatal(err)
	}
	tree, err := client.CreateAndInitTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeState:       trillian.TreeState_ACTIVE,
		TreeType:        trillian.TreeType_LOG,
		MaxRootDuration: durationpb.New(0),
	}}, env.Admin, env.Log)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(env.Address, tree.TreeId)
	select {}
}
