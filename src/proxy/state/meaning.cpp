#include "proxy/state/meaning.hpp"

namespace ccproxy::proxy {

Meaning meaning_of(const anthropic::ModelTable& models,
                   const config::ModelMapping::value_type& row) {
  const anthropic::Model* newest = models.newest_of(row.second);
  return {newest != nullptr ? newest->id : row.second, config::is_default(row)};
}

Meaning meaning_of(const anthropic::ModelTable& models, const config::ModelMapping& mapping,
                   std::string_view asked) {
  if (const auto* row = config::find_mapping(mapping, asked)) return meaning_of(models, *row);
  return {models.id_of(asked)};
}

}  // namespace ccproxy::proxy
