// A Helia peer over TCP, Noise and yamux, driven by one JSON command a line on stdin; each answer is one JSON
// line on stdout. Blocks lie in a directory, so that large files do not have to fit in memory.
//
//   node peer.mjs BLOCKSTORE_DIRECTORY
//
// Commands: {"do":"id"} {"do":"dial","address":…} {"do":"add","path":…,"rawLeaves":true,"cidVersion":1}
//           {"do":"addDirectory","path":…,"cidVersion":1} {"do":"cat","cid":…,"path":…,"timeout":300}
//           {"do":"get","cid":…,"path":…} {"do":"ls","cid":…}
//           {"do":"has","cid":…} {"do":"ping","address":…} {"do":"stop"}
// addDirectory and get are of a flat directory of small files.
import './polyfill.mjs'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { once } from 'node:events'

const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')
const { withBitswap } = await import('@helia/bitswap')
const { withLibp2pLight } = await import('@helia/libp2p')
const { unixfs } = await import('@helia/unixfs')
const { identify } = await import('@libp2p/identify')
const { ping } = await import('@libp2p/ping')
const { tcp } = await import('@libp2p/tcp')
const { multiaddr } = await import('@multiformats/multiaddr')
const { FsBlockstore } = await import('blockstore-fs')
const { MemoryDatastore } = await import('datastore-core')
const { createHeliaLight } = await import('helia')
const { fixedSize } = await import('ipfs-unixfs-importer/chunker')
const { CID } = await import('multiformats/cid')

const helia = withBitswap(withLibp2pLight(
  createHeliaLight({ blockstore: new FsBlockstore(process.argv[2]), datastore: new MemoryDatastore() }),
  {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() },
    connectionGater: { denyDialMultiaddr: () => false }
  }))
await helia.start()
const fs = unixfs(helia)
const READS_AT_ONCE = 64

async function bytesOf (cid, signal) {
  const pieces = []
  for await (const piece of fs.cat(cid, { signal })) pieces.push(piece)
  return Buffer.concat(pieces)
}

const commands = {
  async id () {
    return {
      id: helia.libp2p.peerId.toString(),
      addresses: helia.libp2p.getMultiaddrs().map(String)
    }
  },
  async dial ({ address }) {
    const connection = await helia.libp2p.dial(multiaddr(address))
    return { peer: connection.remotePeer.toString() }
  },
  async add ({ path, rawLeaves = true, cidVersion = 1, chunk = 1048576 }) {
    const cid = await fs.addByteStream(createReadStream(path), {
      rawLeaves, cidVersion, chunker: fixedSize({ chunkSize: chunk })
    })
    return { cid: cid.toString() }
  },
  async addDirectory ({ path, rawLeaves = true, cidVersion = 1 }) {
    async function * files () {
      for (const name of (await readdir(path)).sort()) {
        yield { path: `${basename(path)}/${name}`, content: await readFile(join(path, name)) }
      }
    }
    let last
    for await (const entry of fs.addAll(files(), { rawLeaves, cidVersion })) last = entry
    return { cid: last.cid.toString() }
  },
  async get ({ cid, path }) {
    const signal = AbortSignal.timeout(300_000)
    const entries = fs.ls(CID.parse(cid), { signal })
    const contents = new Map() // of files that are small
    let files = 0
    async function take () {
      for await (const { name, cid } of entries) {
        const key = cid.toString()
        if (!contents.has(key)) contents.set(key, bytesOf(cid, signal))
        await writeFile(join(path, name), await contents.get(key))
        files++
      }
    }
    await mkdir(path, { recursive: true })
    await Promise.all(Array.from({ length: READS_AT_ONCE }, take))
    return { files }
  },
  async cat ({ cid, path, timeout = 300 }) {
    const out = createWriteStream(path)
    let bytes = 0
    for await (const piece of fs.cat(CID.parse(cid), { signal: AbortSignal.timeout(timeout * 1000) })) {
      bytes += piece.byteLength
      if (!out.write(piece)) await once(out, 'drain')
    }
    out.end()
    await once(out, 'close')
    return { bytes }
  },
  async ls ({ cid }) {
    const names = []
    for await (const entry of fs.ls(CID.parse(cid), { signal: AbortSignal.timeout(300_000) })) names.push(entry.name)
    return { names }
  },
  async ping ({ address }) {
    return { ms: await helia.libp2p.services.ping.ping(multiaddr(address)) }
  },
  async has ({ cid }) {
    return { has: await helia.blockstore.has(CID.parse(cid)) }
  },
  async stop () {
    await helia.stop()
    return {}
  }
}

console.log(JSON.stringify({ ready: true, ...await commands.id() }))
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  try {
    console.log(JSON.stringify({ ok: true, ...await commands[request.do](request) }))
  } catch (error) {
    console.log(JSON.stringify({ ok: false, error: String(error?.stack ?? error) }))
  }
  if (request.do === 'stop') break
}
process.exit(0)
