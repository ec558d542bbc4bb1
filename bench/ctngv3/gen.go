// SPDX-License-Identifier: Apache-2.0

// Writes the keys and settings of a network of CTngV3 into def/, where its programs look for them:
// gen MONITORS LOGGERS MAL UPDATE_WAIT RESPONSE_WAIT VERIFICATION_WAIT CERTIFICATES MODE BROADCAST
package main

import (
	"os"
	"strconv"

	def "github.com/jik18001/CTngV3/def"
)

func number(i int) int {
	value, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	keys := def.CTngKeyGen(number(2), 0, number(1), number(3)+1)
	def.WriteData(def.EncodeCrypto(keys), "def/testconfig.json")
	settings := def.Generate_IP_Json_template(0, number(2), number(1), number(3),
		"127.0.0.", 10, "127.0.1.", 20, "127.0.2.", 30, 8000,
		number(4), 0, number(5), number(6), 600, os.Args[8], os.Args[9],
		100000000, 0.002, 2000, number(7))
	def.WriteData(settings, "def/testsettings.json")
}
