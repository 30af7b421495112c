// Status codes of answers: their phrases, and which one a bad head gets.
#pragma once

#include "http/head.hpp"

#include <string_view>

namespace masu::http {

constexpr std::string_view reason_of(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

constexpr unsigned status_of(HeadError error) {
  switch (error) {
    case HeadError::malformed: return 400;
    case HeadError::target_too_long: return 414;
    case HeadError::headers_too_long: return 431;
    case HeadError::bad_encoding: return 501;
  }
  return 400;
}

}  // namespace masu::http
