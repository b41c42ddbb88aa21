// Asks the real yaml-language-server what an editor would ask it, and prints the answers as JSON.
//
// node session.mjs SERVER REQUESTS: REQUESTS is a JSON file with a list of
//   { "name", "uri", "text", "ask": "completion" | "hover" | "diagnostics", "line", "character" }
// Each is asked of the text as if it were open in an editor; nothing is read but what the text's first line names.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [server, requestsFile] = process.argv.slice(2);
const requests = JSON.parse(readFileSync(requestsFile, 'utf8'));
const child = spawn(process.execPath, [server, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });

let buffer = Buffer.alloc(0);
let next = 1;
const waiting = new Map();
const published = new Map();
const onPublished = new Map();

child.stdout.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const end = buffer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
    if (buffer.length < end + 4 + length) return;
    const message = JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString());
    buffer = buffer.subarray(end + 4 + length);
    receive(message);
  }
});
child.on('exit', (code) => {
  if (waiting.size > 0) {
    console.error(`the server ended with ${code}`);
    process.exit(1);
  }
});

function receive(message) {
  if (message.method === 'textDocument/publishDiagnostics') {
    const { uri, diagnostics } = message.params;
    published.set(uri, diagnostics);
    onPublished.get(uri)?.(diagnostics);
  } else if (message.method && message.id !== undefined) {
    // The server asks for settings and registers what it can do.
    const result = message.method === 'workspace/configuration' ? message.params.items.map(setting) : null;
    write({ jsonrpc: '2.0', id: message.id, result });
  } else if (message.id !== undefined) {
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    message.error ? reject(new Error(message.error.message)) : resolve(message.result);
  }
}

function setting(item) {
  // Without the store of public schemas: the test reaches no network, and neither need an editor.
  if (item.section === 'yaml') return { validate: true, hover: true, completion: true, schemaStore: { enable: false } };
  return item.section === '[yaml]' ? {} : null;
}

function write(message) {
  const body = JSON.stringify(message);
  child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function call(method, params) {
  const id = next++;
  write({ jsonrpc: '2.0', id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function notify(method, params) {
  write({ jsonrpc: '2.0', method, params });
}

await call('initialize', {
  processId: process.pid,
  rootUri: null,
  workspaceFolders: null,
  capabilities: {
    workspace: { configuration: true },
    textDocument: {
      completion: { completionItem: { snippetSupport: false, documentationFormat: ['markdown'] } },
      hover: { contentFormat: ['markdown'] },
    },
  },
});
notify('initialized', {});
notify('workspace/didChangeConfiguration', { settings: { yaml: setting({ section: 'yaml' }) } });

const answers = {};
for (const { name, uri, text, ask, line, character } of requests) {
  const diagnosed = new Promise((resolve) => onPublished.set(uri, resolve));
  notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } });
  const place = { textDocument: { uri }, position: { line, character } };
  if (ask === 'completion') {
    const found = await call('textDocument/completion', place);
    const items = Array.isArray(found) ? found : (found?.items ?? []);
    answers[name] = items.map(({ label, documentation }) => ({ label, documentation: words(documentation) }));
  } else if (ask === 'hover') {
    answers[name] = words((await call('textDocument/hover', place))?.contents);
  } else {
    answers[name] = (await diagnosed).map(({ message, range }) => ({ message, line: range.start.line }));
  }
  notify('textDocument/didClose', { textDocument: { uri } });
}
console.log(JSON.stringify(answers));
await call('shutdown', null);
notify('exit');

function words(contents) {
  if (contents === null || contents === undefined) return '';
  return typeof contents === 'string' ? contents : (contents.value ?? '');
}
