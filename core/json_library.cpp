// Boost.JSON, compiled once: Debian's archive of it is one package more, and sections that nobody calls go.
#include <boost/json/src.hpp>
