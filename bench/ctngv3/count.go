// SPDX-License-Identifier: Apache-2.0

// Counts the requests that a monitor of CTngV3 makes, and says how many when it is ended.
package monitor

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

type counting struct{ inner http.RoundTripper }

var requests int64

func (c counting) RoundTrip(request *http.Request) (*http.Response, error) {
	atomic.AddInt64(&requests, 1)
	return c.inner.RoundTrip(request)
}

func init() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Println("REQUESTS", atomic.LoadInt64(&requests))
		os.Exit(0)
	}()
}
