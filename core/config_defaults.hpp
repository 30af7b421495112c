// The configuration of a fresh repo as text: Kubo's, but for what differs here: the store, and transports
// that this node has not.
#pragma once

#include <string_view>

namespace masu::core {

inline constexpr std::string_view default_config_text = R"json({
  "Identity": {
    "PeerID": ""
  },
  "Datastore": {
    "StorageMax": "10GB",
    "StorageGCWatermark": 90,
    "GCPeriod": "1h",
    "Spec": {
      "blocks": "blocks",
      "index": "index",
      "type": "masu"
    },
    "HashOnRead": false,
    "BloomFilterSize": 0,
    "BlockKeyCacheSize": null
  },
  "Addresses": {
    "Swarm": [
      "/ip4/0.0.0.0/tcp/4001",
      "/ip6/::/tcp/4001"
    ],
    "Announce": [],
    "AppendAnnounce": [],
    "NoAnnounce": [],
    "API": "/ip4/127.0.0.1/tcp/5001",
    "Gateway": "/ip4/127.0.0.1/tcp/8080"
  },
  "Mounts": {
    "IPFS": "/ipfs",
    "IPNS": "/ipns",
    "MFS": "/mfs",
    "FuseAllowOther": null,
    "StoreMtime": null,
    "StoreMode": null
  },
  "Discovery": {
    "MDNS": {
      "Enabled": true
    }
  },
  "Routing": {
    "DelegatedRouters": [
      "auto"
    ]
  },
  "Ipns": {
    "RepublishPeriod": "",
    "RecordLifetime": "",
    "ResolveCacheSize": 128,
    "DelegatedPublishers": [
      "auto"
    ]
  },
  "Bootstrap": [
    "auto"
  ],
  "Gateway": {
    "HTTPHeaders": {},
    "RootRedirect": "",
    "NoFetch": false,
    "NoDNSLink": false,
    "DeserializedResponses": null,
    "AllowCodecConversion": null,
    "DisableHTMLErrors": null,
    "PublicGateways": null,
    "ExposeRoutingAPI": null
  },
  "API": {
    "HTTPHeaders": {}
  },
  "Swarm": {
    "AddrFilters": null,
    "DisableBandwidthMetrics": false,
    "DisableNatPortMap": false,
    "RelayClient": {},
    "RelayService": {},
    "Transports": {
      "Network": {},
      "Security": {},
      "Multiplexers": {}
    },
    "ConnMgr": {},
    "ResourceMgr": {}
  },
  "AutoNAT": {},
  "AutoTLS": {},
  "Pubsub": {
    "Router": "",
    "DisableSigning": false
  },
  "Peering": {
    "Peers": null
  },
  "DNS": {
    "Resolvers": {
      ".": "auto"
    }
  },
  "Migration": {},
  "AutoConf": {},
  "Provide": {
    "DHT": {}
  },
  "Provider": {},
  "Reprovider": {},
  "HTTPRetrieval": {},
  "Experimental": {
    "FilestoreEnabled": false,
    "UrlstoreEnabled": false,
    "Libp2pStreamMounting": false,
    "P2pHttpProxy": false,
    "OptimisticProvide": false,
    "OptimisticProvideJobsPoolSize": 0
  },
  "Plugins": {
    "Plugins": null
  },
  "Pinning": {
    "RemoteServices": {}
  },
  "Import": {
    "CidVersion": null,
    "UnixFSRawLeaves": null,
    "UnixFSChunker": null,
    "HashFunction": null,
    "UnixFSFileMaxLinks": null,
    "UnixFSDirectoryMaxLinks": null,
    "UnixFSHAMTDirectoryMaxFanout": null,
    "UnixFSHAMTDirectorySizeThreshold": null,
    "UnixFSHAMTDirectorySizeEstimation": null,
    "UnixFSDAGLayout": null,
    "BatchMaxNodes": null,
    "BatchMaxSize": null,
    "FastProvideRoot": null,
    "FastProvideDAG": null,
    "FastProvideWait": null
  },
  "Version": {},
  "Internal": {},
  "Bitswap": {},
  "Memory": {}
})json";

}  // namespace masu::core
