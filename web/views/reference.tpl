% from web.http.problems import STATUS
% from web.http.route_description import JSON
% from web.openapi.curl import curl
% from web.openapi.document import path_of, sample
% from web.openapi.reference import ANYWHERE, members, parameters, problems, prose, shape
% from web.openapi.routes import GROUPS, all_codes, described_routes
% from web.openapi.schemas import name_of, schemas
% def rows(rows, heading):
%   if rows:
<h4>{{heading}}</h4>
<dl class="members">
%     for row in rows:
  <div><dt><code>{{row.name}}</code>{{!" <b>*</b>" if row.needed else ""}}</dt>
  <dd><span class="kind">\\
%       if row.shape in linked:
<a href="#shape-{{row.shape}}">{{row.kind}}</a>\\
%       else:
{{row.kind}}\\
%       end
</span>
%       if row.text:
  <span lang="en">{{!prose(row.text)}}</span>
%       end
</dd></div>
%     end
</dl>
%   end
% end
% linked = schemas().keys() - {name_of(route.body) for route in described_routes() if route.body}
<nav class="contents" aria-label="{{say("docs.contents")}}">
<ul>
% for group in GROUPS:
  <li><a href="#{{group.slug}}">{{say(f"docs.group.{group.slug}")}}</a></li>
% end
  <li><a href="#problems">{{say("docs.problems")}}</a></li>
  <li><a href="#shapes">{{say("docs.shapes")}}</a></li>
</ul>
</nav>
<p>{{say("docs.needed")}}</p>
% for group in GROUPS:
<section aria-labelledby="{{group.slug}}">
<h2 id="{{group.slug}}">{{say(f"docs.group.{group.slug}")}}</h2>
<p lang="en">{{!prose(group.text)}}</p>
%   for route in group.routes:
<details class="operation"{{!" open" if route.name == "buy" else ""}}>
<summary><h3 id="{{route.name}}"><span class="method {{route.method.lower()}}">{{route.method}}</span> <code>{{path_of(route.path)}}</code></h3> <span class="what" lang="en">{{route.summary}}</span></summary>
<div class="inside">
%     if route.text:
<p lang="en">{{!prose(route.text)}}</p>
%     end
%     if any(route.keys):
<p class="locks">{{say("docs.locks")}} <code>{{", ".join(" + ".join(key) for key in route.keys if key)}}</code></p>
%     end
%     rows(parameters(route), say("docs.parameters"))
%     if route.body:
%       rows(members(schemas()[name_of(route.body)]), say("docs.body", media=JSON))
%     end
<h4>{{say("docs.answers")}}</h4>
<dl class="answers">
%     for answer in route.answers:
  <div><dt class="s{{answer.status // 100}}">{{answer.status}}</dt>
  <dd><span lang="en">{{!prose(answer.text)}}</span>\\
%       if shape(answer.content):
 <a href="#shape-{{shape(answer.content)}}">{{shape(answer.content)}}</a>\\
%       end
%       if answer.media:
 <span class="kind">{{answer.media}}</span>\\
%       end
</dd></div>
%     end
%     for status, codes in problems(route).items():
  <div><dt class="s{{status // 100}}">{{status}}</dt>
  <dd>\\
%       for code in codes:
<a href="#problem-{{code}}"><code>{{code}}</code></a> \\
%       end
</dd></div>
%     end
</dl>
<h4>{{say("docs.command")}}</h4>
<pre tabindex="0" role="region" aria-label="{{say("docs.command")}} {{route.summary}}"><code>{{curl(route)}}</code></pre>
</div>
</details>
%   end
</section>
% end
<section aria-labelledby="problems">
<h2 id="problems">{{say("docs.problems")}}</h2>
<p>{{say("docs.anywhere")}}</p>
<dl class="answers problems">
% for status, code in sorted((STATUS[code], code) for code in all_codes()):
  <div id="problem-{{code}}"><dt class="s{{status // 100}}">{{status}}</dt>
  <dd><code>{{code}}</code>{{!" <b>*</b>" if code in ANYWHERE else ""}} {{!prose(say(f"problem.{code}", **sample(code).values))}}</dd></div>
% end
</dl>
</section>
<section aria-labelledby="shapes">
<h2 id="shapes">{{say("docs.shapes")}}</h2>
<p>{{say("docs.always")}}</p>
% for name in sorted(linked):
<details class="operation">
<summary><h3 id="shape-{{name}}"><code>{{name}}</code></h3> <span class="what" lang="en">{{!prose(schemas()[name].get("description", ""))}}</span></summary>
<div class="inside">
%   rows(members(schemas()[name]), say("docs.members"))
</div>
</details>
% end
</section>
