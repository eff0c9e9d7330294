// Reads triggers and sends each email once. Go 1.19.
//
//	trigger-consumer BROKERS TOPIC GROUP STATE SCHEMA.avsc
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Ids that were sent, in a file here; in your system a table with a unique key, in one transaction with the email's own row.
type sent struct {
	ids  map[string]bool
	file *os.File
}

func openSent(path string) (*sent, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	s := &sent{ids: map[string]bool{}, file: file}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		s.ids[lines.Text()] = true
	}
	return s, lines.Err()
}

func (s *sent) add(id string) error {
	s.ids[id] = true
	if _, err := s.file.WriteString(id + "\n"); err != nil {
		return err
	}
	return s.file.Sync()
}

// Put your email system here, and give it the trigger_id as its idempotency key if it takes one.
func send(trigger map[string]any) error {
	content, _ := trigger["content"].(map[string]any)
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"send": trigger["trigger_id"],
		"customer": trigger["customer_id"], "email": trigger["email"], "subject": content["subject"]})
}

func handle(s *sent, trigger map[string]any) error {
	id, _ := trigger["trigger_id"].(string)
	expires, _ := trigger["expires_at"].(int64)
	if s.ids[id] {
		return nil
	}
	if expires > time.Now().UnixMilli() {
		if err := send(trigger); err != nil {
			return err
		}
	}
	return s.add(id)
}

// Goavro takes logical types into the fingerprint, the Avro specification does not; so times are plain milliseconds here.
var timestamp = regexp.MustCompile(`\{"type": *"long", *"logicalType": *"timestamp-millis"\}`)

func decode(codec *goavro.Codec, value []byte) (map[string]any, error) {
	// C3 01, the fingerprint of the writer's schema, the record. With several versions of trigger.avsc: a codec by fingerprint.
	_, body, err := goavro.FingerprintFromSOE(value)
	if err != nil {
		return nil, err
	}
	native, _, err := codec.NativeFromBinary(body)
	if err != nil {
		return nil, err
	}
	trigger, ok := native.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("not a record")
	}
	return trigger, nil
}

func run(brokers, topic, group, state, schema string) error {
	text, err := os.ReadFile(schema)
	if err != nil {
		return err
	}
	codec, err := goavro.NewCodec(timestamp.ReplaceAllString(string(text), `"long"`))
	if err != nil {
		return err
	}
	ids, err := openSent(state)
	if err != nil {
		return err
	}
	defer ids.file.Close()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // not the default of this client
		kgo.DisableAutoCommit())                      // behind the email, never before
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		for _, problem := range fetches.Errors() {
			if ctx.Err() == nil {
				log.Print(problem.Err) // the client tries again by itself
			}
		}
		for _, record := range fetches.Records() {
			trigger, err := decode(codec, record.Value)
			if err == nil {
				err = handle(ids, trigger)
			}
			if err != nil {
				return err
			}
		}
		if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
			log.Print(err)
		}
	}
	return nil
}

func main() {
	if len(os.Args) != 6 {
		log.Fatal("trigger-consumer BROKERS TOPIC GROUP STATE SCHEMA.avsc")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		log.Fatal(err)
	}
}
