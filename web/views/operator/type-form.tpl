% heading = say("operators.add-type") if type is None else say("operators.edit-title", event=type.label or type.name)
% rebase("page-layout", heading=heading, here="events", keeps=keeps)
% def field(name, hint="", attributes="", label="", language=""):
%   fault = form.faults.get(name)
%   ids = [f"{name}-hint"] * bool(hint) + [f"{name}-fault"] * bool(fault)
<div class="entry">
  <label for="{{name}}">{{label or say(f"event.{name}")}}</label>
  <input id="{{name}}" name="{{name}}" value="{{form.fields.get(name, "")}}"{{!f' lang="{language}"' if language else ""}}{{!f' aria-describedby="{" ".join(ids)}"' if ids else ""}}{{!' aria-invalid="true"' if fault else ""}} {{!attributes}}>
%   if hint:
  <p class="hint" id="{{name}}-hint">{{hint}}</p>
%   end
%   if fault:
  <p class="fault" id="{{name}}-fault">{{say(fault.text, **fault.values)}}</p>
%   end
</div>
% end
<p class="hint"><a href="/operator/events/{{event.name}}">{{event.title}}</a></p>
<h1>{{heading}}</h1>
% if form.faults:
<p class="notice bad" role="alert">{{say(form.faults[""].text, **form.faults[""].values) if "" in form.faults else say("operators.faults", count=len(form.faults))}}</p>
% end
<form class="event-form" id="type-form" method="post" action="{{action}}" novalidate>
<input type="hidden" name="csrf" value="{{visit.session.csrf}}">
<input type="hidden" name="was" value="{{form.was_json}}">
<fieldset aria-label="{{heading}}">
% field("label", "", 'maxlength="200"')
% field("capacity", "" if type is None else say("event.capacity-hint", sold=type.sold, held=type.held), 'inputmode="numeric"')
% field("price", "" if type is None else say("event.price-hint"), 'inputmode="decimal"', say("event.price-in", currency=event.currency))
</fieldset>
<details class="fold"{{!" open" if form.has_any("type", "colour", *(f"label.{each.tag}" for each in languages)) else ""}}>
  <summary>{{say("operators.more-of-type")}}</summary>
  <fieldset aria-label="{{say("operators.more-of-type")}}">
% if type is None:
%   field("type", say("event.name-hint"), 'maxlength="32" autocapitalize="off" spellcheck="false"')
% end
% field("colour", "", 'maxlength="7" placeholder="#cc0000" spellcheck="false"')
% for each in languages:
%   field(f"label.{each.tag}", "", 'maxlength="200"', say("event.label-in", language=each.name), each.tag)
% end
  </fieldset>
</details>
<p class="answer"><button class="main" name="do" value="save">{{say("operators.save")}}</button> <a class="button" href="/operator/events/{{event.name}}">{{say("operators.no")}}</a>
% if type is not None and type.sold == 0 and type.held == 0 and len(event.types) > 1:
<button name="do" value="remove" class="quiet">{{say("operators.remove-type")}}</button>
% end
</p>
</form>
