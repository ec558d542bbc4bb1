// SPDX-License-Identifier: Apache-2.0

// Says whether clients that nobody here wrote take a checkpoint for cosigned by a quorum: those of
// Torchwood and of Tessera.
//
//	policy POLICY CHECKPOINT...
package main

import (
	"fmt"
	"os"
	"strings"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	witnesses, err := tessera.NewWitnessGroupFromPolicy(text)
	if err != nil {
		panic(err)
	}
	// Torchwood takes no log's key but Ed25519, and wants the lines of all logs of a policy: it is
	// told of the origin instead.
	var lines []string
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "log ") {
			lines = append(lines, line)
		}
	}
	quorum, err := torchwood.ParsePolicy([]byte(strings.Join(lines, "\n")))
	if err != nil {
		panic(err)
	}
	for _, path := range os.Args[2:] {
		note, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		origin, _, _ := strings.Cut(string(note), "\n")
		policy := torchwood.ThresholdPolicy(2, quorum, torchwood.OriginPolicy(origin))
		_, _, err = torchwood.VerifyCheckpoint(note, policy)
		fmt.Printf("torchwood %t tessera %t\n", err == nil, witnesses.Satisfied(note))
	}
}
