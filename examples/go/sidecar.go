package main

// Reads of ctlstore's sidecar, with nothing but the standard library. Copy this file into your project.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Row is a row by field name. Numbers are json.Number, so integers are exact whatever their size; bytes are base64 text.
type Row map[string]any

// Key has its parts in key order: strings, integers and []byte.
type Key []any

// Sidecar is safe for use by several goroutines.
type Sidecar struct {
	base   string
	client *http.Client
}

// Conditions of a read. The zero value has none.
type Conditions struct {
	MinSequence  string        // wait until the host has this write
	Timeout      time.Duration // for so long; the sidecar's default when zero
	MaxStaleness time.Duration // refuse to answer from older data
}

// State is what an answer was read from.
type State struct {
	Sequence string
	Latency  string // seconds; empty when the sidecar did not say
	ETag     string
}

// Error is what the sidecar refused. Branch on Code (docs/http-api.md), never on the text.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s [%s]", e.Message, e.Code) }

// ErrNotModified says that the answer with this ETag is still the current one.
var ErrNotModified = errors.New("not modified")

// NewSidecar takes http://HOST:PORT or unix:PATH.
func NewSidecar(address string, timeout time.Duration) *Sidecar {
	path := strings.TrimPrefix(address, "unix:")
	if path == address {
		return &Sidecar{base: strings.TrimRight(address, "/"), client: &http.Client{Timeout: timeout}}
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}
	return &Sidecar{base: "http://localhost", client: &http.Client{Transport: transport, Timeout: timeout}}
}

// Row returns the row with this key, or nil when there is none.
func (s *Sidecar) Row(ctx context.Context, family, table string, key Key, conditions Conditions) (Row, State, error) {
	var row Row
	path := "/get-row-by-key/" + family + "/" + table
	state, err := s.post(ctx, path, map[string]any{"key": parts(key)}, request{conditions: conditions}, &row)
	return row, state, err
}

// RowsWithPrefix returns the rows whose key begins with these parts, in key order, all of one committed state. Given the
// ETag of an earlier answer, it returns ErrNotModified while nothing at all was written.
func (s *Sidecar) RowsWithPrefix(ctx context.Context, family, table string, prefix Key, etag string) ([]Row, State, error) {
	var rows []Row
	path := "/get-rows-by-key-prefix/" + family + "/" + table
	state, err := s.post(ctx, path, map[string]any{"key": parts(prefix)}, request{etag: etag}, &rows)
	return rows, state, err
}

// Read names keys of one table.
type Read struct {
	Family, Table string
	Keys          []Key
}

// Rows reads many keys of several tables, all of one committed state: for each read its rows, nil for a key without one.
func (s *Sidecar) Rows(ctx context.Context, reads []Read) ([][]Row, State, error) {
	wanted := make([]any, len(reads))
	for i, read := range reads {
		keys := make([]any, len(read.Keys))
		for j, key := range read.Keys {
			keys[j] = parts(key)
		}
		wanted[i] = map[string]any{"family": read.Family, "table": read.Table, "keys": keys}
	}
	var answer struct{ Results []struct{ Rows []Row } }
	state, err := s.post(ctx, "/get-rows-by-keys", map[string]any{"reads": wanted}, request{}, &answer)
	rows := make([][]Row, len(answer.Results))
	for i, result := range answer.Results {
		rows[i] = result.Rows
	}
	return rows, state, err
}

type request struct {
	conditions Conditions
	etag       string
}

func (s *Sidecar) post(ctx context.Context, path string, body any, with request, into any) (State, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return State{}, err
	}
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path+query(with.conditions), bytes.NewReader(text))
	if err != nil {
		return State{}, err
	}
	asked.Header.Set("content-type", "application/json")
	// Says that a read can be sent twice, when a connection that was idle turns out to be closed.
	asked.Header.Set("idempotency-key", "read")
	if with.etag != "" {
		asked.Header.Set("if-none-match", with.etag)
	}
	answer, err := s.client.Do(asked)
	if err != nil {
		return State{}, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return State{}, err
	}
	header := answer.Header
	state := State{Sequence: header.Get("ctlstore-sequence"), Latency: header.Get("ctlstore-latency"), ETag: header.Get("etag")}
	switch {
	case answer.StatusCode == http.StatusNotModified:
		return state, ErrNotModified
	// Only this header says "no such row". Another 404 is a table that is not there.
	case answer.StatusCode == http.StatusNotFound && header.Get("x-ctlstore") == "Not Found":
		return state, nil
	case answer.StatusCode != http.StatusOK:
		return state, errorOf(answer.StatusCode, content)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	return state, decoder.Decode(into)
}

func parts(key Key) []any {
	made := make([]any, len(key))
	for i, part := range key {
		if content, isBytes := part.([]byte); isBytes {
			made[i] = map[string]any{"binary": content} // in base64, as encoding/json writes bytes
		} else {
			made[i] = map[string]any{"value": part}
		}
	}
	return made
}

func query(conditions Conditions) string {
	values := url.Values{}
	if conditions.MinSequence != "" {
		values.Set("min-sequence", conditions.MinSequence)
	}
	if conditions.Timeout > 0 {
		values.Set("timeout", strconv.FormatInt(conditions.Timeout.Milliseconds(), 10)+"ms")
	}
	if conditions.MaxStaleness > 0 {
		values.Set("max-staleness", strconv.FormatFloat(conditions.MaxStaleness.Seconds(), 'f', 3, 64))
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

func errorOf(status int, content []byte) *Error {
	var body struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(content, &body) != nil || body.Error.Code == "" {
		return &Error{Status: status, Code: "unknown", Message: fmt.Sprintf("the sidecar answered %d", status)}
	}
	return &Error{Status: status, Code: body.Error.Code, Message: body.Error.Message}
}
