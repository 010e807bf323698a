% from web.openapi.reference import prose
% def rows(members, heading):
%   if members:
<h4>{{heading}}</h4>
<dl class="members">
%     for row in members:
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
% linked = {shape.name for shape in page.shapes}
<nav class="contents" aria-label="{{say("docs.contents")}}">
<ul>
% for group in page.groups:
  <li><a href="#{{group.slug}}">{{say(f"docs.group.{group.slug}")}}</a></li>
% end
  <li><a href="#problems">{{say("docs.problems")}}</a></li>
  <li><a href="#shapes">{{say("docs.shapes")}}</a></li>
</ul>
</nav>
<p>{{say("docs.needed")}}</p>
% for group in page.groups:
<section aria-labelledby="{{group.slug}}">
<h2 id="{{group.slug}}">{{say(f"docs.group.{group.slug}")}}</h2>
<p lang="en">{{!prose(group.text)}}</p>
%   for entry in group.entries:
<details class="operation"{{!" open" if entry.name == "buy" else ""}}>
<summary><h3 id="{{entry.name}}"><span class="method {{entry.method.lower()}}">{{entry.method}}</span> <code>{{entry.path}}</code></h3> <span class="what" lang="en">{{entry.summary}}</span></summary>
<div class="inside">
%     if entry.text:
<p lang="en">{{!prose(entry.text)}}</p>
%     end
%     if entry.locks:
<p class="locks">{{say("docs.locks")}} <code>{{", ".join(entry.locks)}}</code></p>
%     end
%     rows(entry.parameters, say("docs.parameters"))
%     if entry.members:
%       rows(entry.members, say("docs.body", media=entry.media))
%     end
<h4>{{say("docs.answers")}}</h4>
<dl class="answers">
%     for outcome in entry.outcomes:
  <div><dt class="s{{outcome.status // 100}}">{{outcome.status}}</dt>
  <dd>\\
%       for code in outcome.codes:
<a href="#problem-{{code}}"><code>{{code}}</code></a> \\
%       end
<span lang="en">{{!prose(outcome.text)}}</span>\\
%       if outcome.shape:
 <a href="#shape-{{outcome.shape}}">{{outcome.shape}}</a>\\
%       end
%       if outcome.media:
 <span class="kind">{{outcome.media}}</span>\\
%       end
</dd></div>
%     end
</dl>
<h4>{{say("docs.command")}}</h4>
<pre tabindex="0" role="region" aria-label="{{say("docs.command")}} {{entry.summary}}"><code>{{entry.command}}</code></pre>
</div>
</details>
%   end
</section>
% end
<section aria-labelledby="problems">
<h2 id="problems">{{say("docs.problems")}}</h2>
<p>{{say("docs.anywhere")}}</p>
<dl class="answers problems">
% for trouble in page.troubles:
  <div id="problem-{{trouble.code}}"><dt class="s{{trouble.status // 100}}">{{trouble.status}}</dt>
  <dd><code>{{trouble.code}}</code>{{!" <b>*</b>" if trouble.anywhere else ""}} {{!prose(trouble.text)}}</dd></div>
% end
</dl>
</section>
<section aria-labelledby="shapes">
<h2 id="shapes">{{say("docs.shapes")}}</h2>
<p>{{say("docs.always")}}</p>
% for shape in page.shapes:
<details class="operation">
<summary><h3 id="shape-{{shape.name}}"><code>{{shape.name}}</code></h3> <span class="what" lang="en">{{!prose(shape.text)}}</span></summary>
<div class="inside">
%   rows(shape.members, say("docs.members"))
</div>
</details>
% end
</section>
