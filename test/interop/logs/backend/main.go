// SPDX-License-Identifier: Apache-2.0
// Starts Trillian's log server over its storage in memory, makes a tree in it, and prints "ADDRESS TREE-ID FILL". The CT
// front end (ct_server) connects to it, and can be started again while this goes on. POST http://FILL/fill?entries=N
// queues as many entries of random certificates, which no front end could check, and returns when the tree has them.
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/extension"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/testonly/integration"
	"github.com/google/trillian/types"
	"github.com/google/trillian/util/clock"
	"google.golang.org/protobuf/types/known/durationpb"
)

// leaf makes a MerkleTreeLeaf of RFC 6962, Section 3.4, of an x509_entry, and an empty certificate_chain.
func leaf() *trillian.LogLeaf {
	certificate := make([]byte, 32)
	if _, err := rand.Read(certificate); err != nil {
		log.Fatal(err)
	}
	value := binary.BigEndian.AppendUint64([]byte{0, 0}, uint64(time.Now().UnixMilli()))
	value = append(value, 0, 0, 0, 0, byte(len(certificate)))
	value = append(append(value, certificate...), 0, 0)
	return &trillian.LogLeaf{LeafValue: value, ExtraData: []byte{0, 0, 0}}
}

func size(ctx context.Context, logServer *server.TrillianLogRPCServer, tree int64) (uint64, error) {
	answer, err := logServer.GetLatestSignedLogRoot(ctx, &trillian.GetLatestSignedLogRootRequest{LogId: tree})
	if err != nil {
		return 0, err
	}
	var root types.LogRootV1
	err = root.UnmarshalBinary(answer.SignedLogRoot.LogRoot)
	return root.TreeSize, err
}

// fill calls the server within this process: its storage in memory changes leaves while gRPC writes them out, so that
// one call in some thousands fails.
func fill(ctx context.Context, registry extension.Registry, tree int64, entries uint64) error {
	logServer := server.NewTrillianLogRPCServer(registry, clock.System)
	before, err := size(ctx, logServer, tree)
	if err != nil {
		return err
	}
	for range entries {
		if _, err := logServer.QueueLeaf(ctx, &trillian.QueueLeafRequest{LogId: tree, Leaf: leaf()}); err != nil {
			return err
		}
	}
	sequencer := trillianlog.NewOperationManager(trillianlog.OperationInfo{
		Registry:   registry,
		BatchSize:  4096,
		NumWorkers: 1,
		TimeSource: clock.System,
	}, trillianlog.NewSequencerManager(registry, 0))
	for {
		sequencer.OperationSingle(ctx)
		if now, err := size(ctx, logServer, tree); err != nil || now >= before+entries {
			return err
		}
	}
}

func main() {
	ctx := context.Background()
	trees := memory.NewTreeStorage()
	integration.SequencerInterval /= 5
	registry := extension.Registry{
		AdminStorage: memory.NewAdminStorage(trees),
		LogStorage:   memory.NewLogStorage(trees, nil),
		QuotaManager: quota.Noop(),
	}
	env, err := integration.NewLogEnvWithRegistry(ctx, 1, registry)
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
	http.HandleFunc("POST /fill", func(w http.ResponseWriter, r *http.Request) {
		entries, err := strconv.ParseUint(r.FormValue("entries"), 10, 32)
		if err == nil {
			err = fill(r.Context(), registry, tree.TreeId, entries)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(env.Address, tree.TreeId, listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
