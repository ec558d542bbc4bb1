// SPDX-License-Identifier: Apache-2.0
// A static-ct log of Tessera's, on a directory: appends the certificate (DER) that is posted to /add, or as many random
// ones as are asked for by POST /fill?entries=N, and serves the directory. Tessera makes tiles, trees and checkpoints,
// and deletes partial tiles that full ones have replaced, every GC seconds (0: never). What is here is the signature of
// static-ct checkpoints (c2sp.org/static-ct-api), which Tessera leaves to whoever uses it.
//
// With POLICY (c2sp.org/tlog-policy) it has its checkpoints cosigned before it publishes them.
//
//	tiled DIRECTORY KEY.der ORIGIN GC [POLICY]
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/ctonly"
	"github.com/transparency-dev/tessera/storage/posix"
)

type signer struct {
	name string
	key  crypto.Signer
	id   [32]byte
}

func (s signer) Name() string { return s.name }

func (s signer) KeyHash() uint32 {
	hash := sha256.Sum256(append([]byte(s.name+"\n\x05"), s.id[:]...))
	return binary.BigEndian.Uint32(hash[:4])
}

func (s signer) Sign(note []byte) ([]byte, error) {
	lines := strings.Split(string(note), "\n")
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return nil, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return nil, err
	}
	now := uint64(time.Now().UnixMilli())
	head := []byte{0, 1}
	head = binary.BigEndian.AppendUint64(head, now)
	head = binary.BigEndian.AppendUint64(head, size)
	digest := sha256.Sum256(append(head, root...))
	signature, err := s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	body := binary.BigEndian.AppendUint64(nil, now)
	body = binary.BigEndian.AppendUint16(append(body, 4, 3), uint16(len(signature)))
	return append(body, signature...), nil
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	directory, origin := os.Args[1], os.Args[3]
	key := must(x509.ParsePKCS8PrivateKey(must(os.ReadFile(os.Args[2])))).(*ecdsa.PrivateKey)
	id := sha256.Sum256(must(x509.MarshalPKIXPublicKey(key.Public())))
	collected := must(strconv.ParseFloat(os.Args[4], 64))
	ctx := context.Background()
	driver := must(posix.New(ctx, posix.Config{Path: directory}))
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer{origin, key, id}).
		WithCTLayout().
		WithBatching(256, 50*time.Millisecond).
		WithCheckpointInterval(100 * time.Millisecond).
		WithGarbageCollectionInterval(time.Duration(collected * float64(time.Second)))
	if len(os.Args) > 5 {
		group := must(tessera.NewWitnessGroupFromPolicy(must(os.ReadFile(os.Args[5]))))
		options = options.WithWitnesses(group, &tessera.WitnessOptions{Timeout: 10 * time.Second})
	}
	appender, _, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		log.Fatal(err)
	}
	add := tessera.NewCertificateTransparencyAppender(appender)
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 20*time.Millisecond)
	// Returns when a published checkpoint has them all.
	appendAll := func(ctx context.Context, certificates ...[]byte) error {
		var last tessera.IndexFuture
		for i, certificate := range certificates {
			last = add(ctx, &ctonly.Entry{Timestamp: uint64(time.Now().UnixMilli()), Certificate: certificate})
			if i%2048 == 2047 {
				// The appender pushes back where more wait.
				if _, err := last(); err != nil {
					return err
				}
			}
		}
		_, _, err := awaiter.Await(ctx, last)
		return err
	}
	http.HandleFunc("POST /add", func(w http.ResponseWriter, r *http.Request) {
		certificate, err := io.ReadAll(r.Body)
		if err == nil {
			err = appendAll(r.Context(), certificate)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	http.HandleFunc("POST /fill", func(w http.ResponseWriter, r *http.Request) {
		entries, err := strconv.Atoi(r.FormValue("entries"))
		if err == nil && entries > 0 {
			certificates := make([][]byte, entries)
			for i := range certificates {
				certificates[i] = make([]byte, 32)
				must(rand.Read(certificates[i]))
			}
			err = appendAll(r.Context(), certificates...)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	http.Handle("GET /", http.FileServer(http.Dir(directory)))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
